"""The fields of the kinds of records, one module a kind; `kinds` names them all.

Refuses judgement of what several fields or records say together: that is `checks`.
"""
