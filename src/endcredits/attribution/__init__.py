"""An output arrives; its credits become one ranked document with shares, errors and digests that anybody can replay."""

from endcredits.attribution.book import (
    attributed,
    attributed_ids,
    attributions,
    attributions_of,
    check_attributions,
    find_attribution,
    record,
)
from endcredits.attribution.calibrating import calibrated
from endcredits.attribution.rank import attribution_of, output_id_of, whole_nanonats
from endcredits.attribution.records import NANO, UNCALIBRATED, UNMEASURED, Attribution, Line, document_of

__all__ = [
    "NANO",
    "Attribution",
    "Line",
    "UNCALIBRATED",
    "UNMEASURED",
    "attributed",
    "attributed_ids",
    "attribution_of",
    "attributions",
    "attributions_of",
    "calibrated",
    "check_attributions",
    "document_of",
    "find_attribution",
    "output_id_of",
    "record",
    "whole_nanonats",
]
