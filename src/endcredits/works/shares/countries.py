"""Countries by their numbers, and groups of countries as music societies number them (TIS, Territory Information System).

A territory of a society's file is a number: a country's is that of ISO 3166-1 (840 is US), a group's is above 2100 (2136 is
the world). A group that is not in this table is refused and not guessed: its members differ by source or by year (Asia,
North America, Oceania, the European Union, the Commonwealth). A file can name their countries one by one instead.
"""

from __future__ import annotations

_NUMBERS = """
4:AF 8:AL 10:AQ 12:DZ 16:AS 20:AD 24:AO 28:AG 31:AZ 32:AR 36:AU 40:AT 44:BS 48:BH 50:BD 51:AM 52:BB 56:BE 60:BM 64:BT 68:BO
70:BA 72:BW 74:BV 76:BR 84:BZ 86:IO 90:SB 92:VG 96:BN 100:BG 104:MM 108:BI 112:BY 116:KH 120:CM 124:CA 132:CV 136:KY 140:CF
144:LK 148:TD 152:CL 156:CN 158:TW 162:CX 166:CC 170:CO 174:KM 175:YT 178:CG 180:CD 184:CK 188:CR 191:HR 192:CU 196:CY 203:CZ
204:BJ 208:DK 212:DM 214:DO 218:EC 222:SV 226:GQ 231:ET 232:ER 233:EE 234:FO 238:FK 239:GS 242:FJ 246:FI 248:AX 250:FR 254:GF
258:PF 260:TF 262:DJ 266:GA 268:GE 270:GM 275:PS 276:DE 288:GH 292:GI 296:KI 300:GR 304:GL 308:GD 312:GP 316:GU 320:GT 324:GN
328:GY 332:HT 334:HM 336:VA 340:HN 344:HK 348:HU 352:IS 356:IN 360:ID 364:IR 368:IQ 372:IE 376:IL 380:IT 384:CI 388:JM 392:JP
398:KZ 400:JO 404:KE 408:KP 410:KR 414:KW 417:KG 418:LA 422:LB 426:LS 428:LV 430:LR 434:LY 438:LI 440:LT 442:LU 446:MO 450:MG
454:MW 458:MY 462:MV 466:ML 470:MT 474:MQ 478:MR 480:MU 484:MX 492:MC 496:MN 498:MD 499:ME 500:MS 504:MA 508:MZ 512:OM 516:NA
520:NR 524:NP 528:NL 531:CW 533:AW 534:SX 535:BQ 540:NC 548:VU 554:NZ 558:NI 562:NE 566:NG 570:NU 574:NF 578:NO 580:MP 581:UM
583:FM 584:MH 585:PW 586:PK 591:PA 598:PG 600:PY 604:PE 608:PH 612:PN 616:PL 620:PT 624:GW 626:TL 630:PR 634:QA 638:RE 642:RO
643:RU 646:RW 652:BL 654:SH 659:KN 660:AI 662:LC 663:MF 666:PM 670:VC 674:SM 678:ST 682:SA 686:SN 688:RS 690:SC 694:SL 702:SG
703:SK 704:VN 705:SI 706:SO 710:ZA 716:ZW 724:ES 728:SS 729:SD 732:EH 740:SR 744:SJ 748:SZ 752:SE 756:CH 760:SY 762:TJ 764:TH
768:TG 772:TK 776:TO 780:TT 784:AE 788:TN 792:TR 795:TM 796:TC 798:TV 800:UG 804:UA 807:MK 818:EG 826:GB 831:GG 832:JE 833:IM
834:TZ 840:US 850:VI 854:BF 858:UY 860:UZ 862:VE 876:WF 882:WS 887:YE 894:ZM
"""

COUNTRY_OF_NUMBER: dict[int, str] = {int(n): code for n, _, code in (pair.partition(":") for pair in _NUMBERS.split())}
"""ISO 3166-1: alpha-2 by numeric code."""

COUNTRIES = frozenset(COUNTRY_OF_NUMBER.values())
"""All alpha-2 codes of ISO 3166-1."""

TIS_WORLD = 2136

_GROUPS = {
    # Africa
    2100: "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU "
    "MW MZ NA NE NG RW SC SD SL SN SO SS ST SZ TD TG TN TZ UG ZA ZM ZW",
    # America
    2101: "AG AR BB BO BR BS BZ CA CL CO CR CU DM DO EC GD GT GY HN HT JM KN LC MX NI PA PE PR PY SR SV TT US UY VC VE",
    # American continent
    2102: "AR BO BR BZ CA CL CO CR EC GT GY HN MX NI PA PE PY SR SV US UY VE",
    # Antilles
    2103: "AG BB CU DM DO GD HT JM KN LC PR TT VC",
    # Australasia
    2107: "AU FJ NC NZ SB VU",
    # Balkans
    2108: "AL BA BG GR HR ME MK RO RS SI",
    # Baltic states
    2109: "EE LT LV",
    # Benelux
    2110: "BE LU NL",
    # British Isles
    2111: "GB IE",
    # Central America
    2113: "BZ CR GT HN NI PA SV",
    # Eastern Europe
    2119: "AL BG BY CZ EE HU LT LV MD PL RO RU SK UA",
    # Europe
    2120: "AD AL AT BA BE BG BY CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL "
    "NO PL PT RO RS RU SE SI SK SM UA VA",
    # European continent, without islands
    2122: "AD AL AT BA BE BG BY CH CZ DE DK EE ES FI FR GR HR HU IT LI LT LU LV MC MD ME MK NL NO PL PT RO RS "
    "RU SE SI SK SM UA VA",
    # German-speaking countries
    2124: "AT CH DE",
    # Middle East
    2125: "AE AF BD BH BT IN IQ IR JO KW LK MN MV NP OM PK QA SA YE",
    # NAFTA
    2126: "CA MX US",
    # Nordic countries
    2127: "DK FI IS NO SE",
    # North Africa
    2128: "DZ EG LY MA TN",
    # Scandinavia
    2131: "DK NO SE",
    # South America
    2132: "AR BO BR CL CO EC GY PE PY SR UY VE",
    # South East Asia
    2133: "BN ID KH LA MM MY PH SG TH TL VN",
    # West Indies
    2134: "AG BB BS CU DM DO GD HT JM KN LC PR TT VC",
}
GROUPS: dict[int, frozenset[str]] = {number: frozenset(codes.split()) for number, codes in _GROUPS.items()}
"""Members of the groups that we know, by TIS number."""
