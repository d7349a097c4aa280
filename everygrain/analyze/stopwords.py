"""Function words that carry no topic, by language: short lists, written for this project."""

from __future__ import annotations

_LISTS = {
    "en": """a an and are as at be been but by can did do does for from had has have how i if in
        into is it its my no not of on or our s so such t than that the their them then there these
        they this to us was we were what when where which while who why will with would you
        your""",
    "de": """aber als am an auch auf aus bei bin bis das dass dem den der des die durch ein eine
        einem einen einer eines er es für hat haben ich im in ist kann mit nach nicht noch nur
        oder sein sich sie sind so über um und uns von vor war was wenn werden wie wir wird zu
        zum zur""",
    "fr": """a à au aux avec c ce ces cette d dans de des du elle en est et été il ils j je l la le
        les leur mais n ne nous on ont ou où par pas plus pour qu que qui s sa se ses son sont sur
        un une vous y""",
    "es": """a al como con cual cuando de del donde el ella en entre es esta este fue ha han la las
        le lo los más me mi no nos o para pero por que qué quién se ser si sin sobre son su sus un
        una uno y ya""",
    "it": """a ai al alla anche che chi ci come con da dal dalla dei del della di e è gli ha i il in
        la le lo ma nel nella non o per più quale quando se si sono su un una uno""",
    "pt": """a à ao aos as com como da das de do dos e é ela ele em entre esta este eu foi mais mas
        na nas não no nos o os ou para pela pelo por qual quando que se sem ser seu sua são um
        uma""",
    "nl": """aan als bij dat de die dit door een en er het hij hoe ik in is je kan maar met naar
        niet of om onder ook op over te tot uit van voor was wat we werd wie wij worden ze zijn
        zo""",
    "ru": """а без был была были было быть в вы где для до его ее если есть еще же за и из или им их
        к как когда кто ли мы на над не нет но о об он она они от по под при с так такой то того
        только у уже что чтобы это этот я""",
}


def stop_words(language: str) -> frozenset[str]:
    """Return the list of a language (ISO 639-1 code); empty where there is none."""
    return frozenset(_LISTS.get(language, "").split())
