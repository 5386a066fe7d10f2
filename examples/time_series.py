"""Tomorrow's temperature: windows over a series of measurements, and a network against two rules of thumb.

The series is made here: a year's wave, the days' weather that wears off slowly, and noise.

Run it with `python examples/time_series.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/time_series.py`.
"""

import numpy as np

import cornu
from cornu import layers

WINDOW = 14


def temperatures(days, seed=0):
    """Daily means in °C."""
    rng = np.random.default_rng(seed)
    weather = np.zeros(days)
    for day in range(2, days):  # a swing that fades: warm and cold spells
        weather[day] = 1.5 * weather[day - 1] - 0.8 * weather[day - 2] + rng.normal(0, 0.8)
    return 10 - 9 * np.cos(2 * np.pi * np.arange(days) / 365.25) + weather + rng.normal(0, 0.2, days)


def main(days=3000, epochs=5, seed=0):
    cornu.utils.set_random_seed(seed)
    series = temperatures(days, seed)
    known = int(0.8 * days)
    mean, deviation = series[:known].mean(), series[:known].std()
    scaled = ((series - mean) / deviation)[:, None].astype("float32")

    # the target of the window that begins on day s is the day after it
    windows = {"sequence_length": WINDOW, "batch_size": 64}
    train = cornu.utils.timeseries_dataset_from_array(scaled[:known], scaled[WINDOW:known], shuffle=True, seed=seed, **windows)
    test = cornu.utils.timeseries_dataset_from_array(scaled[known:], scaled[known + WINDOW :], **windows)

    model = cornu.Sequential([layers.Input((WINDOW, 1)), layers.LSTM(24), layers.Dense(1)])
    model.compile(cornu.optimizers.Adam(5e-3), "mse")
    model.fit(train, epochs=epochs, verbose=0)

    after = series[known + WINDOW :]
    error = {
        "as today": np.abs(series[known + WINDOW - 1 : -1] - after).mean(),
        "mean of a week": np.abs(np.convolve(series[known + WINDOW - 7 : -1], np.ones(7) / 7, "valid") - after).mean(),
        "network": np.abs(model.predict(test, verbose=0)[:, 0] * deviation + mean - after).mean(),
    }
    for name, degrees in error.items():
        print(f"tomorrow {name}: {degrees:.2f} °C off on average")
    return error


if __name__ == "__main__":
    main()
