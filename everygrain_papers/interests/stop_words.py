"""English words that say nothing of a paper's subject, those of academic prose included."""

_OF_PROSE = """
a about above across after again against all almost along already also although always am among
an and another any are aren't around as at away be became because become becomes been before
being below best better between beyond both but by came can can't cannot come could did do does
doing done don't down due during each either else enough et etc even ever every far few first
for former from further furthermore get give given gives go had has hasn't have haven't having
he hence her here herein him his how however i i.e if in indeed instead into is isn't it it's
its itself just keep known last later latter least less let like made mainly make makes making
many may me might more moreover most mostly much must my namely nearly neither never
nevertheless next no nor not nothing now of off often on once one ones only onto or other others
otherwise our ours out over own per perhaps quite rather really same second see seem seems
several she should show showed shown shows since so some still such take takes than that that's
the their them themselves then thereby therefore therein these they third this those though
three through throughout thus to together too toward towards two under until up upon us use used
uses using usually various very via was way we well were what whatever when where whereas
whereby wherein whether which while who whole whom whose why will with within without would yet
you your
able abstract achieve achieved achieves achieving additionally allow allows approach approaches
art available based code compared consider considered contribution contributions demonstrate
demonstrated demonstrates different effective effectively efficient efficiently evaluate
existing experiment experimental experiments extensive finally find furthermore high important
improve improved improves introduce introduced introduces investigate main method methods
new novel obtain obtained outperform outperforms paper papers perform performance performed
performs possible present presented presents previous previously problem problems propose
proposed proposes provide provided provides recent recently related respectively result results
significant significantly simple solve specific specifically state state-of-the-art study
technique techniques work works
"""
STOP_WORDS = frozenset(_OF_PROSE.split())
