"""Personal data (个人信息): shown by `masks`, kept by `vault` under `keys`, rotated by `resealing`.

Nothing is exported here, so that a rule which masks a name loads no cryptography and no database.
"""
