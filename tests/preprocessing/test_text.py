"""Texts as numbers: vocabularies, the numbers of scikit-learn, batches by seed, windows."""

import json

import numpy as np
import pytest

from cornu.errors import ArgumentError, ConfigError, CorruptFileError, DataError
from cornu.preprocessing.sequence import TimeseriesGenerator, pad_sequences
from cornu.preprocessing.text import TextGenerator, Tokenizer, hashing_trick, one_hot, text_to_word_sequence, tokenizer_from_json
from cornu.training.data import batches

TEXTS = ["The cat sat on the mat.", "The dog sat; the end!", "A dog, a cat", "end"]


def fitted(texts=TEXTS, **options):
    tokenizer = Tokenizer(**options)
    tokenizer.fit_on_texts(texts)
    return tokenizer


def test_words():
    assert text_to_word_sequence("It's A--test,\tisn't\nit?") == ["it's", "a", "test", "isn't", "it"]
    assert text_to_word_sequence("A,b C", filters="", split=",", lower=False) == ["A", "b C"]


def test_numbers_follow_frequency_then_first_sight():
    assert fitted().word_index == {"the": 1, "cat": 2, "sat": 3, "dog": 4, "end": 5, "a": 6, "on": 7, "mat": 8}
    assert fitted().word_counts["the"] == 4
    assert fitted().word_docs["the"] == 2
    assert fitted(oov_token="cat").word_index["cat"] == 1


def test_unknown_and_rare_words():
    assert fitted().texts_to_sequences(["the zebra sat"]) == [[1, 3]]
    assert fitted(oov_token="?").texts_to_sequences(["the zebra sat"]) == [[2, 1, 4]]
    assert fitted(num_words=3).texts_to_sequences(["the mat cat"]) == [[1, 2]]
    assert fitted(num_words=3, oov_token="?").texts_to_sequences(["the mat cat"]) == [[2, 1, 1]]
    assert fitted(num_words=3, oov_token="?").sequences_to_texts([[2, 3, 99]]) == ["the ? ?"]
    assert fitted().sequences_to_texts([[1, 4, 99, 0]]) == ["the dog"]


def test_other_ways_to_cut():
    assert fitted(["aB!", "b"], char_level=True).word_index == {"b": 1, "a": 2, "!": 3}
    assert fitted(["x-y-x"], analyzer=lambda text: text.split("-")).word_index == {"x": 1, "y": 2}
    assert fitted([["A", "b c"], ["b c"]]).word_index == {"b c": 1, "a": 2}
    assert fitted(["A a"], lower=False).word_index == {"A": 1, "a": 2}


def test_fitting_goes_on():
    tokenizer = fitted(["a a b"])
    tokenizer.fit_on_texts(["b b c"])
    assert (tokenizer.word_counts, tokenizer.document_count) == ({"a": 2, "b": 3, "c": 1}, 2)
    assert tokenizer.word_index == {"b": 1, "a": 2, "c": 3}
    assert dict(tokenizer.index_docs) == {2: 1, 1: 2, 3: 1}


def test_counts_as_in_scikit_learn():
    vectorizers = pytest.importorskip("sklearn.feature_extraction.text")
    tokenizer = fitted()
    order = [tokenizer.index_word[number] for number in range(1, 9)]
    counts = vectorizers.CountVectorizer(vocabulary=order, token_pattern=r"\w+").fit_transform(TEXTS).toarray()
    made = tokenizer.texts_to_matrix(TEXTS, "count")
    np.testing.assert_array_equal(made[:, 1:], counts)
    np.testing.assert_array_equal(made[:, 0], 0)
    np.testing.assert_array_equal(tokenizer.texts_to_matrix(TEXTS, "binary")[:, 1:], counts > 0)
    np.testing.assert_allclose(tokenizer.texts_to_matrix(TEXTS, "freq")[:, 1:], counts / counts.sum(1, keepdims=True))
    # its sublinear term frequency is ours; the rarity of a word is ln(1 + N / (1 + d))
    sublinear = vectorizers.TfidfTransformer(norm=None, use_idf=False, sublinear_tf=True).fit_transform(counts).toarray()
    rarity = np.log(1 + len(TEXTS) / (1 + (counts > 0).sum(0)))
    np.testing.assert_allclose(tokenizer.texts_to_matrix(TEXTS, "tfidf")[:, 1:], sublinear * rarity)


def test_matrices_of_numbers():
    tokenizer = Tokenizer(num_words=4)
    tokenizer.fit_on_sequences([[1, 1, 2], [2, 9]])
    made = tokenizer.sequences_to_matrix([[1, 1, 2, 9], []], "tfidf")
    np.testing.assert_allclose(made, [[0, (1 + np.log(2)) * np.log(1 + 2 / 2), np.log(1 + 2 / 3), 0], [0] * 4])


def test_json():
    tokenizer = fitted(num_words=5, oov_token="?", char_level=False)
    again = tokenizer_from_json(tokenizer.to_json(indent=1))
    assert vars(again) == vars(tokenizer)
    assert again.texts_to_matrix(TEXTS, "tfidf").tolist() == tokenizer.texts_to_matrix(TEXTS, "tfidf").tolist()
    assert json.loads(tokenizer.to_json())["class_name"] == "Tokenizer"


def test_hashes():
    numbers = hashing_trick("the cat and the dog", 50, "md5")
    assert numbers[0] == numbers[3]
    assert all(1 <= number < 50 for number in numbers)
    assert hashing_trick("aa b", 10, hash_function=len) == [3, 2]
    assert one_hot("aa b", 10) == hashing_trick("aa b", 10, hash)


# --- the generator ------------------------------------------------------------------------------------------------------


def generator(**options):
    texts = TextGenerator(**options)
    texts.fit(TEXTS)
    return texts


def test_what_a_text_becomes():
    assert generator().encode(["the cat", ""]).tolist() == [[0] * 4 + [1, 2], [0] * 6]
    assert generator(maxlen=2, truncating="post", padding="post").encode(["the cat sat", "end"]).tolist() == [[1, 2], [5, 0]]
    hot = generator(maxlen=3, mode="one_hot").encode(["the cat"])
    np.testing.assert_array_equal(hot, [[np.zeros(9), np.eye(9)[1], np.eye(9)[2]]])
    assert generator(maxlen=3, mode="one_hot").decode(hot) == ["the cat"]
    for mode in ("binary", "count", "freq", "tfidf"):
        made = generator(mode=mode).encode(TEXTS)
        np.testing.assert_allclose(made, fitted().texts_to_matrix(TEXTS, mode), rtol=1e-6)
        assert made.dtype == "float32"


def test_a_seed_says_it_all():
    make = generator(word_dropout=0.4, word_shuffle=2)
    flows = [batches(make.flow(TEXTS * 3, np.arange(12), batch_size=5, seed=3, workers=workers)) for workers in (1, 3)]
    one, three = ([batch for number in range(2) for batch in flow.epoch(number)] for flow in flows)
    for (x, y, _), (other_x, other_y, _) in zip(one, three, strict=True):
        np.testing.assert_array_equal(x, other_x)
        np.testing.assert_array_equal(y, other_y)
    for flow in flows:
        flow.close()


def test_words_are_left_out_and_moved():
    words = [str(number) for number in range(2000)]
    kept = TextGenerator(word_dropout=0.25).random_transform(words, seed=1)
    assert kept == sorted(kept, key=int)
    assert len(kept) == pytest.approx(1500, abs=4 * np.sqrt(2000 * 0.25 * 0.75))
    moved = [int(word) for word in TextGenerator(word_shuffle=3).random_transform(words, seed=1)]
    assert sorted(moved) == list(range(2000))
    assert 1 <= np.abs(np.array(moved) - np.arange(2000)).max() <= 3
    assert len(TextGenerator(word_dropout=0.999).random_transform("a b c", seed=1)) == 1
    assert TextGenerator(word_dropout=0.5).random_transform("") == []


@pytest.fixture
def folder(tmp_path):
    for number, text in enumerate(TEXTS):
        where = tmp_path / ("a", "b")[number % 2]
        where.mkdir(exist_ok=True)
        (where / f"{number}.txt").write_text(text)
    (tmp_path / "a" / "notes.md").write_text("no")
    return tmp_path


def test_folders(folder, capsys):
    make = TextGenerator(maxlen=5, oov_token="?")
    flow = make.flow_from_directory(folder, class_mode="sparse", shuffle=False, batch_size=3)
    assert "Found 4 texts belonging to 2 classes." in capsys.readouterr().out
    make.fit(flow)
    x, y = next(flow)
    np.testing.assert_array_equal(x, make.encode([TEXTS[0], TEXTS[2], TEXTS[1]]))
    assert y.tolist() == [0, 0, 1]
    assert (flow.class_indices, flow.filenames) == ({"a": 0, "b": 1}, ["a/0.txt", "a/2.txt", "b/1.txt", "b/3.txt"])
    assert make.flow_from_directory(folder, formats=["md"], class_mode=None).filenames == ["a/notes.md"]
    assert make.flow_from_directory(folder, class_mode="input", shuffle=False)[0][1].shape == (4, 5)


def test_a_file_that_is_no_text_is_named(folder):
    (folder / "b" / "3.txt").write_bytes(b"\xff\xfe\xff")
    make = generator(maxlen=3)
    with pytest.raises(CorruptFileError, match=r"3\.txt"):
        next(make.flow_from_directory(folder))
    with pytest.warns(UserWarning, match=r"3\.txt.*left out"):
        x, y = next(make.flow_from_directory(folder, shuffle=False, on_broken="skip"))
    assert (len(x), y.argmax(-1).tolist()) == (3, [0, 0, 1])


def test_frames(folder):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"text": TEXTS, "class": ["x", "y", "x", "y"], "score": [1.0, 2.0, 3.0, 4.0], "file": ["a/0.txt", "b/1.txt", "a/2.txt", "b/3.txt"]}
    )
    make = generator(maxlen=4, validation_split=0.5)
    x, y, weight = make.flow_from_dataframe(frame, weight_col="score", shuffle=False)[0]
    np.testing.assert_array_equal(x, make.encode(TEXTS))
    np.testing.assert_array_equal(y, np.eye(2)[[0, 1, 0, 1]])
    assert weight.tolist() == [1, 2, 3, 4]
    x, y = make.flow_from_dataframe(frame, folder, "file", "score", class_mode="raw", shuffle=False, subset="training")[0]
    np.testing.assert_array_equal(x, make.encode(TEXTS[2:]))
    assert y.tolist() == [3, 4]


def test_windows():
    letters = TextGenerator(char_level=True, validation_split=0.5)
    letters.fit(["abcdefgh"])
    flow = letters.flow_windows(["abcdefgh", "abc", "ab"], 2, shuffle=False)
    x, y = flow[0]
    assert x.tolist() == [[1, 2], [2, 3], [3, 4], [4, 5], [5, 6], [6, 7], [1, 2]]
    assert y.tolist() == [[2, 3], [3, 4], [4, 5], [5, 6], [6, 7], [7, 8], [2, 3]]
    x, y = letters.flow_windows(["abcdefgh"], 2, step=3, target="last", shuffle=False)[0]
    assert (x.tolist(), y.tolist()) == ([[1, 2], [4, 5]], [3, 6])
    assert letters.flow_windows(["abcdefgh"], 2, subset="validation", shuffle=False)[0][0].tolist() == [[1, 2], [2, 3]]
    assert letters.flow_windows(["abcdefgh"], 2, subset="training", shuffle=False)[0][0].tolist() == [[5, 6], [6, 7]]
    assert letters.decode([[1, 2, 0, 3]]) == ["abc"]
    hot = TextGenerator(mode="one_hot", tokenizer=letters.tokenizer)
    np.testing.assert_array_equal(hot.flow_windows(["abc"], 2)[0][0], np.eye(9)[[[1, 2]]])


def test_fit_takes_it(trainable_backend):
    import cornu

    make = generator(maxlen=6)
    model = cornu.Sequential([
        cornu.layers.Embedding(make.vocabulary_size, 4, mask_zero=True), cornu.layers.GlobalAveragePooling1D(), cornu.layers.Dense(2, "softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    losses = model.fit(make.flow(TEXTS, [0, 1, 0, 1], batch_size=2, seed=1), epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TextGenerator(mode="embed"), "mode must be one of"),
        (lambda: TextGenerator(word_dropout=1.5), "word_dropout must be a fraction"),
        (lambda: TextGenerator(padding="left"), "padding must be"),
        (lambda: TextGenerator().fit("one text"), "list of texts"),
        (lambda: TextGenerator().encode(["a"]), "Call `fit"),
        (lambda: TextGenerator(tokenizer=fitted()).encode(["a"]), "Give maxlen"),
        (lambda: generator().flow(TEXTS, [1]), "as many rows"),
        (lambda: generator().flow(TEXTS, subset="training"), "needs a validation_split"),
        (lambda: generator(mode="count").flow_windows(TEXTS, 2), "counts have no order"),
        (lambda: generator().flow_windows(TEXTS, 20), "longer than the window"),
        (lambda: generator().flow_windows(TEXTS, 2, target="next"), "target must be"),
        (lambda: Tokenizer().texts_to_matrix(["a"]), "Give num_words"),
        (lambda: Tokenizer(num_words=3).texts_to_matrix(["a"], "tfidf"), "fit_on_texts"),
        (lambda: fitted().texts_to_matrix(["a"], "sum"), "mode must be one of"),
        (lambda: fitted().texts_to_sequences("a"), "list of texts"),
        (lambda: fitted().texts_to_sequences([3]), "string or a list of words"),
        (lambda: fitted(analyzer=str.split).to_json(), "no analyzer"),
        (lambda: tokenizer_from_json("{}"), "Tokenizer.to_json"),
        (lambda: hashing_trick("a", 1), "n must be at least 2"),
        (lambda: hashing_trick("a", 10, "sha"), "hash_function must be"),
        (lambda: text_to_word_sequence("a", split=""), "split must be"),
        (lambda: pad_sequences([np.array([2**40 + 5])]), "sequence 0 must fit the dtype int32"),
        (lambda: pad_sequences([[1], [2**40]]), "sequence 1 must fit the dtype int32"),
        (lambda: pad_sequences([[np.array([300])]], dtype="uint8"), "sequence 0 must fit the dtype uint8"),
        (lambda: pad_sequences([[1]], dtype="uint8", value=-1), "value must fit the dtype uint8, got -1"),
        (lambda: pad_sequences([[1]], value=float("nan")), "value must fit the dtype int32, got nan"),
        (lambda: TimeseriesGenerator(np.arange(9), np.arange(9), 2, end_index=9), "from 0 to 8, got 0 and 9"),
        (lambda: TimeseriesGenerator(np.arange(9), np.arange(9), 2, start_index=-2), "from 0 to 8, got -2 and 8"),
    ],
)
def test_refusals(make, said):
    with pytest.raises((ArgumentError, DataError, ConfigError), match=said):
        make()
