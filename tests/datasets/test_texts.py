"""IMDB and Reuters, from small files in their published formats. What is expected is written out from the arguments' meaning."""

import io
import json

import numpy as np
import pytest

from cornu.datasets import imdb, reuters
from cornu.errors import ArgumentError, CorruptFileError, SavingError


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


@pytest.fixture
def films(publish, texts):
    """40 + 20 published reviews, in the order of the file."""
    (x, y), (u, v) = texts(40), texts(20)
    publish("imdb", npz(x_train=x, y_train=y, x_test=u, y_test=v))
    return (x, y), (u, v)


@pytest.fixture
def wires(publish, texts):
    """50 published newswires, in the order of the file."""
    x, y = texts(50, kinds=46)
    publish("reuters", npz(x=x, y=y))
    return x, y


def in_order(part, order):
    return [part[0][i] for i in order], part[1][order]


def same(part, texts, labels):
    assert part[0].dtype == object
    assert part[0].shape == (len(texts),)
    assert part[0].tolist() == texts
    assert all(type(text) is list for text in part[0])
    np.testing.assert_array_equal(part[1], labels)


def test_imdb_is_shuffled_raised_and_begun(films):
    random = np.random.RandomState(113)
    for part, published in zip(imdb.load_data(), films, strict=True):
        order = np.arange(len(published[0]))
        random.shuffle(order)
        texts, labels = in_order(published, order)
        same(part, [[1] + [word + 3 for word in text] for text in texts], labels)


def test_the_seed_counts(films):
    one, other, again = (imdb.load_data(seed=seed)[0][0].tolist() for seed in (1, 2, 1))
    assert one == again != other
    assert sorted(one) == sorted(other)


@pytest.mark.parametrize(
    ("arguments", "change"),
    [
        ({"start_char": None}, lambda text: [w + 3 for w in text]),
        ({"start_char": None, "index_from": 0}, lambda text: text),
        ({"start_char": None, "index_from": None}, lambda text: text),
        ({"start_char": 9, "index_from": 20}, lambda text: [9] + [w + 20 for w in text]),
        ({"num_words": 20}, lambda text: [w if w < 20 else 2 for w in [1] + [w + 3 for w in text]]),
        ({"nb_words": 20}, lambda text: [w if w < 20 else 2 for w in [1] + [w + 3 for w in text]]),
        ({"num_words": 20, "oov_char": None}, lambda text: [w for w in [1] + [w + 3 for w in text] if w < 20]),
        ({"num_words": 30, "skip_top": 10, "oov_char": 0}, lambda text: [w if 10 <= w < 30 else 0 for w in [1] + [w + 3 for w in text]]),
        ({"skip_top": 10}, lambda text: [w if w >= 10 else 2 for w in [1] + [w + 3 for w in text]]),
        ({"num_words": 0, "maxlen": 0}, lambda text: [1] + [w + 3 for w in text]),
    ],
)
def test_which_words_are_kept(films, arguments, change):
    plain = imdb.load_data(start_char=None, index_from=0)
    for part, (texts, labels) in zip(imdb.load_data(**arguments), plain, strict=True):
        same(part, [change(text) for text in texts], labels)


def test_maxlen_drops_what_is_not_shorter(films):
    whole = imdb.load_data()
    for part, (texts, labels) in zip(imdb.load_data(maxlen=7), whole, strict=True):
        kept = [i for i, text in enumerate(texts) if len(text) < 7]
        assert 0 < len(kept) < len(texts)
        same(part, [texts[i] for i in kept], labels[kept])
    with pytest.raises(ArgumentError, match=r"maxlen.*got 1"):
        imdb.load_data(maxlen=1)


def test_an_unknown_argument(films):
    with pytest.raises(ArgumentError, match="no argument 'num_word'"):
        imdb.load_data(num_word=5)


def test_all_words_are_kept_if_no_number_is_given(films):
    """As the documentation of Keras has it; Keras itself replaces the highest number that occurs."""
    published = {word + 3 for texts, _ in films for text in texts for word in text}
    assert published | {1} == {word for texts, _ in imdb.load_data() for text in texts for word in text}


@pytest.mark.parametrize(("test_split", "count"), [(0, 50), (0.2, 40), (0.33, 33), (0.99, 0)])
def test_reuters(wires, test_split, count):
    order = np.arange(50)
    np.random.RandomState(7).shuffle(order)
    texts, labels = in_order(wires, order)
    texts = [[1] + [word + 3 for word in text] for text in texts]
    train, test = reuters.load_data(test_split=test_split, seed=7)
    same(train, texts[:count], labels[:count])
    same(test, texts[count:], labels[count:])


def test_reuters_leaves_out_words_and_texts(wires):
    (texts, labels), _ = reuters.load_data(test_split=0)
    (some, some_labels), _ = reuters.load_data(test_split=0, maxlen=7, num_words=30)
    kept = [i for i, text in enumerate(texts) if len(text) < 7]
    same((some, some_labels), [[w if w < 30 else 2 for w in texts[i]] for i in kept], labels[kept])


def test_texts_of_one_length_stay_lists(publish, texts):
    """An array of lists that are equally long is not a matrix."""
    x, y = texts(4)
    for i in range(4):
        x[i] = [i, i]
    publish("reuters", npz(x=x, y=y))
    (read, _), _ = reuters.load_data(test_split=0)
    assert read.shape == (4,)
    assert sorted(read.tolist()) == [[1, 3 + i, 3 + i] for i in range(4)]


@pytest.mark.parametrize("test_split", [-0.1, 1, 1.5, float("nan")])
def test_a_split_that_is_none(test_split):
    with pytest.raises(ArgumentError, match="test_split"):
        reuters.load_data(test_split=test_split)


@pytest.mark.parametrize(("room", "key"), [(imdb, "imdb words"), (reuters, "reuters words")])
def test_word_indices(publish, home, room, key):
    publish(key, json.dumps({"the": 1, "café": 2}).encode())
    assert room.get_word_index() == {"the": 1, "café": 2}
    room.get_word_index("own.json")
    assert (home / "datasets" / "own.json").is_file()
    for wrong in (b"{", b"[1]", b'{"the": "1"}'):
        publish(key, wrong)
        with pytest.raises(CorruptFileError, match="word index"):
            room.get_word_index()


def test_the_topics():
    names = reuters.get_label_names()
    assert len(names) == len(set(names)) == 46
    assert (names[0], names[3], names[45]) == ("cocoa", "earn", "lead")


def test_without_the_file_the_error_says_where_to_put_it(films, publish, home):
    publish.server.close()
    with pytest.raises(SavingError, match=r"datasets/imdb.npz") as failure:
        imdb.load_data()
    assert "CORNU_HOME" in str(failure.value)
