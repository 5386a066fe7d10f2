"""The numpy backend; `cornu.backends.protocol` says what belongs here."""

from cornu.backends.numpy.control import *
from cornu.backends.numpy.core import *
from cornu.backends.numpy.elementwise import *
from cornu.backends.numpy.fft import *
from cornu.backends.numpy.indexing import *
from cornu.backends.numpy.linalg import *
from cornu.backends.numpy.nn import *
from cornu.backends.numpy.random import *
from cornu.backends.numpy.reduce import *
from cornu.backends.numpy.shaping import *
from cornu.backends.numpy.transforms import *
