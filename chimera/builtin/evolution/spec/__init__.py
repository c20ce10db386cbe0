"""The fields of an Evolution and of a Genome, by what they speak of; `kinds` names them all.

Refuses judgement of what several fields say together: that is `checks`.
"""
