"""A model in scikit-learn's cross-validation, as it was wrapped before Keras 3."""

import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from keras.wrappers.scikit_learn import KerasClassifier, KerasRegressor
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score


def classifier(units=4):
    model = Sequential()
    model.add(Dense(units, input_dim=3, activation="relu"))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam")
    return model


def regressor():
    model = Sequential([Dense(1, input_dim=3)])
    model.compile(loss="mean_squared_error", optimizer="sgd")
    return model


x = np.random.RandomState(0).rand(60, 3)
labels = np.where(x.sum(axis=1) > 1.5, "large", "small")
search = GridSearchCV(KerasClassifier(build_fn=classifier, epochs=2, verbose=0), {"units": [2, 3]}, cv=2).fit(x, labels)
assert search.best_params_["units"] in (2, 3) and set(search.predict(x)) <= {"large", "small"}
scores = cross_val_score(KerasRegressor(build_fn=regressor, nb_epoch=30, batch_size=5, verbose=0), x, x.sum(axis=1), cv=KFold(2))
assert scores.shape == (2,) and (scores > -1).all()
print("ok: sklearn_wrappers")
