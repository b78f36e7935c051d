"""Names of agents that act in currencies in which users were not observed.

=============== ===================================================================================================
``as-learned``  follows the text that was written in the source currency, without any change
``transfer``    follows a separate text in each currency: a sample from the posterior there, put into words
``model``       is the language model itself: it acts on the text, the currency and a prior
=============== ===================================================================================================
"""

from __future__ import annotations

AS_LEARNED, TRANSFER, MODEL = "as-learned", "transfer", "model"
