"""The tensorflow backend; `cornu.backends.protocol` says what belongs here."""

from cornu.backends.tensorflow.control import *
from cornu.backends.tensorflow.convolution import *
from cornu.backends.tensorflow.core import *
from cornu.backends.tensorflow.elementwise import *
from cornu.backends.tensorflow.fft import *
from cornu.backends.tensorflow.host import *
from cornu.backends.tensorflow.image import *
from cornu.backends.tensorflow.indexing import *
from cornu.backends.tensorflow.linalg import *
from cornu.backends.tensorflow.nn import *
from cornu.backends.tensorflow.pooling import *
from cornu.backends.tensorflow.profile import *
from cornu.backends.tensorflow.random import *
from cornu.backends.tensorflow.recurrent import *
from cornu.backends.tensorflow.reduce import *
from cornu.backends.tensorflow.shaping import *
from cornu.backends.tensorflow.training import *
from cornu.backends.tensorflow.transforms import *
