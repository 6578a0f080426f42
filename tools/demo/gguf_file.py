"""Write a GGUF file, version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), and the Q8_0
weight format."""

import struct

import numpy as np

ALIGNMENT = 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
F32, F16, Q8_0 = 0, 1, 8
BLOCK = 32  # weights that share one scale in Q8_0


def quantize_q8_0(matrix):
    """Bytes of a float matrix in Q8_0: for each 32 weights of a row, a half-float scale and 32 signed bytes."""
    blocks = np.ascontiguousarray(matrix, dtype=np.float32).reshape(-1, BLOCK)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / 127
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales > 0)
    packed = np.empty(len(blocks), dtype=[("scale", "<f2"), ("weights", "i1", BLOCK)])
    packed["scale"] = scales[:, 0]
    packed["weights"] = np.rint(blocks * inverse)
    return packed.tobytes()


def dequantize_q8_0(data, shape):
    """The float matrix that Q8_0 bytes stand for."""
    packed = np.frombuffer(data, dtype=[("scale", "<f2"), ("weights", "i1", BLOCK)])
    return (packed["scale"].astype(np.float32)[:, None] * packed["weights"]).reshape(shape)


def pack_string(text):
    """A string as its length in bytes and its UTF-8."""
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


PACKERS = {UINT32: lambda value: struct.pack("<I", value), INT32: lambda value: struct.pack("<i", value),
           FLOAT32: lambda value: struct.pack("<f", value), BOOL: lambda value: struct.pack("<?", value),
           STRING: pack_string}


def pack_value(kind, value):
    """A metadata value with its type before it; `kind` is a type, or (ARRAY, type of the elements)."""
    if isinstance(kind, tuple):
        element = kind[1]
        return struct.pack("<IIQ", ARRAY, element, len(value)) + b"".join(PACKERS[element](item) for item in value)
    return struct.pack("<I", kind) + PACKERS[kind](value)


def padding(size_bytes):
    """The zeros that bring `size_bytes` up to the alignment."""
    return b"\0" * (-size_bytes % ALIGNMENT)


def write_gguf(path, metadata, tensors):
    """Write a file of `metadata` [(key, kind, value)] and `tensors` [(name, shape, type, bytes)]; shapes as numpy's
    (rows, columns), which the file lists the other way round."""
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, kind, value in metadata:
        header += pack_string(key) + pack_value(kind, value)
    offset_bytes = 0
    body = []
    for name, shape, kind, data in tensors:
        header += pack_string(name) + struct.pack("<I", len(shape))
        header += struct.pack(f"<{len(shape)}Q", *reversed(shape)) + struct.pack("<IQ", kind, offset_bytes)
        body.append(data + padding(len(data)))
        offset_bytes += len(body[-1])
    with open(path, "wb") as file:
        file.write(header + padding(len(header)) + b"".join(body))
