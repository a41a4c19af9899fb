"""Stripe: a transfer to each payee's connected account, by the extra `stripe`.

`requests` is the pure part: a batch as requests to POST /v1/transfers. Amounts are in the units that Stripe takes, which are
not always the currency's coins: a few currencies have none (JPY: whole yen), some have three decimals of which the last must
be zero (KWD), all others are sent in hundredths. What cannot be said in them is refused.

Stripe keeps the answer to an idempotency key for at least 24 hours. When a batch is taken up again later, the key alone
would not protect; so the transfers that Stripe knows under the batch's id (`transfer_group`) are asked for first, and only
payments that are not among them are requested. Within the 24 hours a stored refusal (too little balance) is repeated too.

Sources: docs.stripe.com, "Idempotent requests", "Currencies", "Transfers".
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from endcredits.errors import InputError, MachineError
from endcredits.payouts.rails.http import Answer, Request
from endcredits.payouts.rails.orders import Order

TIMEOUT_SECONDS = 30.0
PAGE = 100
_WHOLE = frozenset(("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"))
_THREE = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
_BUSY = ("lock_timeout", "idempotency_key_in_use")
_OURS = ("balance_insufficient", "insufficient_funds")
"""Refusals that say nothing about the payee."""


def requests(order: Order) -> tuple[Request, ...]:
    """A batch as requests, in the order of its payments.

    Raises:
        InputError: an amount that Stripe has no unit for, or a payee without a connected account.
    """
    batch = order.batch
    made = []
    for payment in batch.payments:
        account = order.banks[payment.payment_id].stripe_account
        if not account:
            raise InputError(
                f"the payee '{payment.party_id}' has no connected account", remedy="Import one, plan again.", field="batch"
            )
        fields: dict[str, str | int] = {
            "amount": stripe_units(payment.transfer_micros, batch.currency),
            "currency": batch.currency.lower(),
            "destination": account,
            "transfer_group": batch.batch_id,
            "metadata[payment_id]": payment.payment_id,
            "description": f"Royalties {batch.on}",
        }
        made.append(Request(payment.payment_id, f"{batch.batch_id}:{payment.payment_id}", "/v1/transfers", fields))
    return tuple(made)


def stripe_units(micros: int, currency: str) -> int:
    """An amount in the units that Stripe takes for a currency.

    >>> stripe_units(12_500_000, "EUR"), stripe_units(12_000_000, "JPY"), stripe_units(1_230_000, "KWD")
    (1250, 12, 1230)

    Raises:
        InputError: there is no such number of units.
    """
    unit = 1_000_000 if currency in _WHOLE else 10_000
    if micros <= 0 or micros % unit:
        raise InputError(
            f"{micros} micros of {currency} cannot be sent by Stripe, which takes multiples of {unit}",
            remedy="Pay it over another rail.",
            field="rail",
        )
    return micros // 1_000 if currency in _THREE else micros // unit


class Stripe:
    """Stripe's server, through its own library, which neither retries nor chooses keys here: `deliver` and `requests` do."""

    def __init__(self, key: str, *, server: str = "", timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Args:
            key: the secret key; kept nowhere.
            server: another address than Stripe's own, such as a stand-in for tests.
            timeout_seconds: how long to wait for an answer.

        Raises:
            InputError: no key, or the extra is not installed.
        """
        if not key:
            raise InputError(
                "Stripe needs a secret key", remedy="Set the environment variable STRIPE_API_KEY.", field="rail"
            )
        try:
            self._library: Any = importlib.import_module("stripe")
        except ModuleNotFoundError as error:
            raise InputError(
                "Stripe needs its library", remedy="Run: pip install 'endcredits[stripe]'.", field="rail"
            ) from error
        places = {"base_addresses": {"api": server}} if server else {}
        http = self._library.RequestsClient(timeout=timeout_seconds)
        self._client = self._library.StripeClient(key, max_network_retries=0, http_client=http, **places)

    def send(self, request: Request) -> Answer:
        """Makes one request once."""
        try:
            made = self._client.raw_request("post", request.path, idempotency_key=request.idempotency_key, **request.fields)
            return Answer("accepted", str(made.data["id"]))
        except self._library.StripeError as error:
            return self._answer(error)

    def _answer(self, error: Any) -> Answer:
        said = error.json_body if isinstance(error.json_body, dict) else {}
        status, code = error.http_status, str(dict(said.get("error") or {}).get("code") or "")
        reason = f"{code}: {error.user_message or error}"[:300]
        if status is None or status < 400 or status in (409, 429) or status >= 500 or code in _BUSY:
            waits = str((error.headers or {}).get("retry-after", "")) if error.headers else ""
            return Answer("again", reason=reason, wait_seconds=float(waits) if waits.isdigit() else 0.0)
        about_us = isinstance(error, (self._library.AuthenticationError, self._library.PermissionError))
        about_us = about_us or isinstance(error, self._library.IdempotencyError) or code in _OURS or status not in (400, 402)
        return Answer("stop" if about_us else "refused", reason=reason)

    def known(self, batch_id: str) -> Mapping[str, str]:
        """The transfers of a batch that Stripe has, by payment id.

        Raises:
            MachineError: Stripe cannot be asked.
        """
        found: dict[str, str] = {}
        after: dict[str, str] = {}
        while True:
            try:
                asked = {"transfer_group": batch_id, "limit": PAGE, **after}
                page = self._client.raw_request("get", "/v1/transfers", **asked).data
            except self._library.StripeError as error:
                raise MachineError(
                    f"Stripe cannot be asked what it has ({self._answer(error).reason})",
                    remedy="Check the key and the connection, then run the same command again.",
                ) from error
            for transfer in page["data"]:
                payment_id = dict(transfer["metadata"]).get("payment_id", "")
                found[payment_id] = str(transfer["id"])
            if not page["has_more"] or not page["data"]:
                return found
            after = {"starting_after": str(page["data"][-1]["id"])}
