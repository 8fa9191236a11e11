"""Whether letters stand together as they do in words: chance puts them together otherwise.

One bit for each three letters, the word's ends among them, says whether some word of a list has
them: SCOWL as Debian ships it (`wamerican` 2020.12.07, 63,849 words in small letters; Copyright
2000-2011 Kevin Atkinson and others, free to use with this notice), written by `tools/letters.py`.
Every word of the list passes.  Of letters by chance do 1 in 9 of four, 1 in 110 of eight, 1 in
1,000 of twelve, 1 in 30,000 of twenty (measured).
"""

from __future__ import annotations

from base64 import b64decode
from itertools import pairwise
from typing import Final

#: The longest word that is looked at: `misconfigurations` has 17 letters.
LONGEST: Final = 22

_TABLE: Final = (
    "AAAA8P//v4hkidRmeSxzWGr///+JWNJCZJ5FooK18tbvioggCFTnWWAiiTZx/RSJCMLIe7//utu9AgCAgchojlT2"
    "72UyyGvKvC6ICKJIZJEGKIJUkxGkgYggqAAAABAiwoCbaxat7Pvo///fm/BMGJfm0fh8r0YsUbCv90URQQDMbfXq"
    "X//fL/K9+v/ef0EGJ+7+ewUAAIL//2+/7O7qfb/X/XpdlRUE0/1+h0akA/W/34sR2RADAADgf7/XI5IsEoAEgYgg"
    "CP73vA8CCAIAQAKAAILgX/+fIYAgABAAgIwgmEQEACACCID/+/4DwBIAAAAAI4IkStmM0ZgkC/r1Ow4iAACRAAAA"
    "AAAgdKITAAAAAAAAQP9/vwAAADAySaMAQAD87/cqAAAAAAAA+N/v1b98XwEAAPD/36sRQbCNAAAARAAA//v/BwAA"
    "AAAACEQEQRQgCIExeRb9yfcQQAAAAAAAAAAAwON8RkQAAAAAAID+uX6LSJJIIJIEJ9Is+v//r4gkCUZkQCQCGIJ/"
    "/f6OCIJARAAAIoIgEhEEgIggAP7l+z8ySQAAABCICIIobTdWI4MM+N/vwoggBEQECQAAAIBzPUyEAIAAAAAA/Xn9"
    "fJHl0c4mj//ne/X91903aR6Ny7NqRBBE23hdFAEEwY02gv72+/Uin6L//3/ny/Xjb75XAAAg+P//9+/+rv72e52r"
    "15URQTb9z3doZXJGP+OJCBEEMgAAAHr3+CsCCAIBAAAAAALgX4/fJ9MsCggAgAggAPyhuQoACAAAAACMCIIIAAAA"
    "IAIA+JXvHQgAAAAAADAiCKKRhQiczCcqF46DAAAAkAAAAAAAAAIEAAAAAAAAAAD0z/UbRBBAAgAAAAAEwN989wQk"
    "SHAy3aD361z9w3dRAAAAAIAAEBEE0Ygggk5kc/Av3S8QSQAAAABgRBBEA4sRGBgkgJl8hwEAACAySAAAAAAUwBVC"
    "AAAAAAAA6N/vt4gkCQQiCSAiSIJ//f8JAIIAABAGIIIA+PfvowAgAAQEACAiSKARQRSMCKLgV79fAxMgAAAAwYgg"
    "igYWIbB+zyv/uA4AAABAZBBAAAAAuJXrCAAAAAAAANC738MTaRatbPPoVr5X3Xv8HJPk0eh8r0UEQRAgBAEBQBDM"
    "DKPof/9fb/Kt+v//375cX952ewUAAIL//X79///o7b7XACQMGBEEk4ggAEYEIyQAAIAZURACAACgc67dAAAAAAAA"
    "AAAAAFQqOQEAAAAAAAAAAACgOA4PAAAAAAAAAAAAAAAAAAAAAIDeLX4BAAAAAAAAAAAAAAAAAAAAACz9uAIAAAAA"
    "AAAAAAAAAAAAAAAAAAAAQP98x0UkSTAQAQIBQALcz/dKQBIEA4AkmAFEQJ98twQAAAAiBAARQRCNAAJARBAEa9Gt"
    "EJEkAAAAAEQAQbS6GyORQQJEwCUAAAAAIoMgAAAAwI8FIwAAAAAAAID/vf+PSLJgZJJE79O9+v//38lkL0QECSQC"
    "CID//f8CAALgZBZR/+e9GpFH0IggCv7n/z82yyEAABCICIJobTFCe7Ot/vfviowgAEQECQAgAIT/+d4GAAAIAAAA"
    "/X/9v9PnlcggAQAECfCf329QSRIFAABABBAA+/y9BQAAgAAAAEYEATQiCKIZSRT9/vf3fr9HAAAgEAEEQN5qjAIC"
    "AJCPx0MQAQCICAIAAAAAK8IcAAAAAAAAAPr3+i0iSYKRXR79///qf/5/IpIkuNvvlYggCP73/zoCCIL3OV6JCIJI"
    "RBAAI4oo6pfvv8gkCQAAQCAiCKL9/Xzdz7P6X7+HIoIgEhkkQIgAAA5mMyMiCCAAAAB04/Xl35pfK5s8+t/v1dec"
    "38akefR+z6sReQT943EERBAAL7qs+t/v15t8i/7//92/18XV3V4BAIDgf/9fL7s7et/v1f/cF0YEYfQ/3+v2QUy9"
    "zTMgRBLAAAAA6P37twgkCQQCITAASIB///4LCJJgAIAEI5I82tf/qwAAAECFADAiCKIRQBCAAAJgX78/I5MsAgAA"
    "gIggiNYWdbUyzSp+vA4CAABARJgAAAAAWJykDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgAAAAIoIAAgAAAAAAAAAAAAAAAAAAAAAAAACg/7//I5Is"
    "Gtnk0dt8v/7//38jyaKRaRaNCILo//+/I4AguJtv1dxgqt6me/Wm36P///+PzPMIAAAEI4Moetmf1ft8r//lOyMi"
    "CCCRQRIAAADgRz4TIIIAAAAAQP9e/0QESTQyySIRQRL87/9PRJJEIIIk+N/v1T/8XwEAQTAixyMRQRCNCKJgRBAE"
    "//f9O5lmUQAACEAEQfC2X6v/+Vb963cABAAAIoIgAAAAQLNcJwAAAAAAAID+vf6JSLJgZJJEA4IA+J//n4gkCEQA"
    "SfA3/6v//H8KAAAARAgAI4IgEhEEgYggCP79/z8yyQIAAACICIJoZTdWI5Ms+pfvCAAgAEQGCQAAAICdnQ6MCAYI"
    "AAAA/Xv9+r/vl8omjW7lWXxv32MhCAiczrNgAAAA/9B9FRAAQYgmiv71+/Unv6b//39HCPHof7dXAAAg+Nf/88v2"
    "jv7n+x0AggAQARIIAAAgRBAGIYIIABEAMAAAAHrnegAAAAAAAAAEAATgf65zAAAACAAAAAAAAP7l+woAAAAAAAAA"
    "AAAAAAAAAAAAyNXlFQAAAAAAAAAiCIAAAAAEAAAABI6IIAIAAgAAAAAAAAIEEAEAAAAAAAB06/VPRJIAAoEAGJNm"
    "0Z1UFwQkQCAgAAIRQQDl43UVAAAAIRKImhFAkIggANone1WO3w8BSRAAAABARBBE77O9GglEAABYAwAAAAAACAAA"
    "AACEAAAAQABAAAAA4ITDAAAgAEQmyQAAAIBMOAYAAAIAAAIAAoIg+JfnCgAAAAAAAAACACAAAACAAAAAAq4CI5Is"
    "AAAAAQgAAAAAAHEyyCILCAYECAAAQBAAAQJAGZVBAAAAAAAAANCb1wkbQRKJTIJgRJAA99K9EpAkgYg8CUAAAQAC"
    "lAABAACADABgRDJNJ+Ip0hWEWDZWP0amewAAAIAZQR6tzeZKZJACCHgBAAAAgMggAUIEAAAAAAAQAQAAAADgEKqD"
    "AgAAAAAAgAAAAO7gOgAAAAAAAAAAAAAgFa4CAAAAABAAAIgAgAQAAQAAAICZ8R4IAAAAAAAAAAAAAAAAAAAAABIA"
    "GAAACAAAQQAAAACgUAQAJ5qAAg=="
)  # fmt: skip
_BITS: Final = b64decode(_TABLE)


def place(letters: str) -> int:
    """The bit of three letters, of which "`" is the end of a word."""
    first, second, third = letters.encode("ascii")
    return ((first - 96) * 27 + second - 96) * 27 + third - 96


def is_word(letters: str) -> bool:
    """Whether small letters from a to z are put together as those of a word are."""
    if not 2 <= len(letters) <= LONGEST:
        return False
    codes = [0, *(code - 96 for code in letters.encode("ascii")), 0]
    pairs = [first * 27 + second for first, second in pairwise(codes)]
    for pair, third in zip(pairs, codes[2:], strict=False):
        where = pair * 27 + third
        if not _BITS[where >> 3] >> (where & 7) & 1:
            return False
    return True
