"""The interpreter that computes shapes and dtypes instead of numbers, by whole numbers alone.

An unknown dimension never reaches it: who infers (`cornu.graph`) puts a stand-in there, twice with two different ones,
and sees from what differs which dimensions of the result are unknown.
"""

from cornu.backends.spec.control import *
from cornu.backends.spec.core import *
from cornu.backends.spec.elementwise import *
from cornu.backends.spec.fft import *
from cornu.backends.spec.image import *
from cornu.backends.spec.indexing import *
from cornu.backends.spec.linalg import *
from cornu.backends.spec.nn import *
from cornu.backends.spec.random import *
from cornu.backends.spec.reduce import *
from cornu.backends.spec.shaping import *
from cornu.backends.spec.tensor_spec import *
from cornu.backends.spec.transforms import *
