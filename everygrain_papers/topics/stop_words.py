"""English words that name no topic: those of grammar, and those of every abstract."""

from __future__ import annotations

_OF_GRAMMAR_AND_ABSTRACTS = """
a about above accordingly across after again against all almost alone along already also
although always am among an and another any are around as at away be became because become
been before being below beside besides between beyond both but by came can cannot come could
despite did do does doing done down due during each either else enough et etc even ever every
few first for former from further furthermore gave get give given gives go had has have having
he hence her here hers him his how however i if in indeed instead into is it its itself just
last later latter least less let like likely made mainly make makes making many may me might
more moreover most mostly much must my namely near nearly need needs neither never nevertheless
next no none nor not nothing now of off often on once one ones only onto or other others
otherwise our out over own per perhaps quite rather really same second see seem seen several
shall she should since so some still such take taken takes than that the their them then there
thereby therefore these they this those though three through throughout thus to together too
toward towards two under unlike until up upon us use used useful uses using usually various
very via was way ways we well were what when where whereas whether which while who whole whom
whose why will with within without would yet you your e.g i.e al eg ie cf vs

able abstract accurate accuracy achieve achieved achieves achieving additional address
addresses advantage aim aims allow allowing allows analysis analyze applicable application
applications applied apply applying approach approaches art aspect aspects assume assumption
available based baseline baselines benchmark benchmarks best better case cases challenge
challenges challenging common commonly compare compared comparable comparison competitive
compute computed computing conduct conducted consider considered considering consist
consists construct contribution contributions corresponding currently demonstrate
demonstrated demonstrates demonstrating depend describe described describes designed
determine develop developed developing different difficult discuss easily easy effect
effective effectively effectiveness efficient efficiently efficiency effort empirical
empirically enable enables enabling ensure especially establish estimate evaluate evaluated
evaluating evaluation example examples excellent existing exist experiment experimental
experiments explore exploit extend extended extensive extensively fact find finding findings
focus follow followed following framework full fully fundamental furthermore future
generally give github good great high higher highly https http idea identify illustrate
impact implement implementation implemented important importance improve improved
improvement improvements improves improving include includes including increase increasing
increasingly introduce introduced introduces introducing investigate involve issue issues
known larger lead leading leads leverage leverages leveraging limit limitation limitations
lower main major method methods methodology naive new novel numerous numerically obtain
obtained obtaining offer offers org outperform outperforming outperforms overall paper
papers part particular particularly perform performance performed performing performs
possible potential potentially powerful practical practice present presented presenting
presents previous previously produce produces promising proper propose proposed proposes
proposing provide provided provides providing publicly purpose recent recently reduce
reduced reduces reducing related relative relevant rely remain remains report represent
require required requirements requires researchers respectively result resulting results
robust robustness role scenario scenarios scheme setting settings setup shown show showing
shows significant significantly similar simple simply solve solved solving specific
specifically specified standard state-of-the-art steps strong studied studies study studying
suffer suitable superior support technique techniques terms tested theoretical today
traditional typical typically understand unified university unknown use validate validated
variety variant variants version wide widely works world www yield yields mathcal mathbb
mathrm mathbf frac left right sqrt textit textbf emph begin end sim times leq geq epsilon
anonymous cid mm cm underscore com io preliminary article
"""

_WITH_ANOTHER = """
class code complex component components concept current data dataset datasets design form
function general hypothesis input inputs key knowledge large level levels limited log low model
models modeling modelling multiple natural number output outputs policy popular power prior
problem problems procedure process processes property properties public quality question
questions range research sample samples set sets simulation simulations single size small
solution solutions source state states step strategy structure system systems task tasks
term test time tool tools value values work
"""

# these end a phrase
STOP_WORDS = frozenset(_OF_GRAMMAR_AND_ABSTRACTS.split())
# these say too little alone, and much beside another: "language models", "data mining"
ONLY_IN_PAIRS = frozenset(_WITH_ANOTHER.split())
