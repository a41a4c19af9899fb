"""Pictures of money: where a period's money went, and what a payee earned over time.

Self-contained SVG without scripts, fonts or files from elsewhere. Every picture has a title and a description for those
who do not see it, says its numbers in words, and does not need colour: bands carry patterns of light and dark and every
bar its label, so it prints in grey. Colours are arguments with sober defaults.
"""

from endcredits.payouts.pictures.earnings import Earned, earnings_of, earnings_svg
from endcredits.payouts.pictures.flow import Flow, Node, money_flow
from endcredits.payouts.pictures.flow_svg import flow_html, flow_svg
from endcredits.payouts.pictures.svg import Colours

__all__ = ["Colours", "Earned", "Flow", "Node", "earnings_of", "earnings_svg", "flow_html", "flow_svg", "money_flow"]
