"""The TeX of a student's texts: mathematics stays, whatever else MathJax knows loses its backslash.

So nothing that a student writes links, styles, loads or defines anything, in any spelling.
"""
import re

COMMANDS = frozenset("""
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa varkappa lambda mu nu
xi omicron pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega digamma Gamma
Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega aleph beth hbar hslash imath jmath ell wp Re
Im partial nabla infty emptyset varnothing forall exists nexists neg lnot top bot angle triangle
square Box Diamond prime backprime backslash surd natural flat sharp clubsuit diamondsuit
heartsuit spadesuit complement eth mho checkmark dagger ddagger degree dots ldots cdots vdots
ddots dotsb dotsc dotsi dotsm dotso colon times div cdot cdotp ldotp pm mp ast star circ bullet
oplus ominus otimes oslash odot boxplus boxtimes cap cup uplus sqcap sqcup vee wedge lor land
setminus smallsetminus wr amalg bigcirc ltimes rtimes triangleleft triangleright intercal le leq
leqslant lt ll lll ge geq geqslant gt gg ggg ne neq equiv sim simeq approx approxeq cong propto
varpropto doteq triangleq coloneqq prec preceq succ succeq subset subseteq subsetneq supset
supseteq supsetneq sqsubset sqsubseteq sqsupset sqsupseteq in notin ni owns mid nmid parallel
nparallel perp models vdash dashv vDash asymp bowtie smile frown lesssim gtrsim lessgtr therefore
because between not to gets leftarrow rightarrow leftrightarrow Leftarrow Rightarrow
Leftrightarrow longleftarrow longrightarrow longleftrightarrow Longleftarrow Longrightarrow
Longleftrightarrow iff implies impliedby mapsto longmapsto hookleftarrow hookrightarrow uparrow
downarrow updownarrow Uparrow Downarrow Updownarrow nearrow searrow swarrow nwarrow leftharpoonup
rightharpoonup rightleftharpoons rightsquigarrow leadsto twoheadrightarrow circlearrowleft
circlearrowright xleftarrow xrightarrow sum prod coprod int iint iiint oint bigcap bigcup bigsqcup
bigvee bigwedge bigoplus bigotimes bigodot biguplus limits nolimits arccos arcsin arctan arg cos
cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max min Pr sec sin
sinh sup tan tanh injlim projlim bmod pmod mod operatorname mathop mathbin mathrel mathord
mathopen mathclose mathpunct mathinner acute bar breve check ddot dddot dot grave hat mathring
tilde vec widehat widetilde overline underline overleftarrow overrightarrow overleftrightarrow
underrightarrow underleftarrow overbrace underbrace overparen underparen mathbb mathbf mathcal
mathfrak mathit mathnormal mathrm mathscr mathsf mathtt boldsymbol bold pmb Bbb cal rm bf it tt sf
scr frak displaystyle textstyle scriptstyle scriptscriptstyle frac dfrac tfrac cfrac over atop
choose binom dbinom tbinom genfrac sqrt root of overset underset stackrel substack boxed left
right middle big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm biggm Biggm
langle rangle lbrace rbrace lbrack rbrack lceil rceil lfloor rfloor lvert rvert lVert rVert vert
Vert lgroup rgroup lmoustache rmoustache ulcorner urcorner llcorner lrcorner quad qquad enspace
thinspace nobreakspace cr newline text textrm textbf textit texttt textsf textnormal mbox tag
notag nonumber hline
""".split())
ENVIRONMENTS = frozenset("""
equation align gather multline alignat aligned alignedat gathered split array matrix pmatrix bmatrix
Bmatrix vmatrix Vmatrix smallmatrix cases subarray eqnarray
""".split())
COMMAND = re.compile(r"(?<!\\)(\\+)([A-Za-z]+)(?:\s*\{([A-Za-z]+)\*?\})?")
CODE = re.compile(r"<(pre|code)>.*?</\1>", re.DOTALL)      # MathJax leaves these alone


def only_mathematics(x: str) -> str:
    """The text without the backslashes of commands and environments that are not listed here."""
    return COMMAND.sub(_kept, x)


def page_with_only_mathematics(page: str) -> str:
    """The same for the texts of HTML that nh3 made; code in it stays as it is."""
    parts, at = [], 0
    for code in CODE.finditer(page):
        parts += [only_mathematics(page[at:code.start()]), code[0]]
        at = code.end()
    return "".join([*parts, only_mathematics(page[at:])])


def _kept(found: re.Match) -> str:
    slashes, name, environment = found.groups()
    known = environment in ENVIRONMENTS if name in ("begin", "end") else name in COMMANDS
    if known:
        return found[0]
    breaks = slashes[:len(slashes) // 2 * 2]                # \\ begins a line
    before = found.string[max(found.start() - 1, 0):found.start()]
    gap = " " if breaks or before.isalpha() else ""         # or it would make another command
    return breaks + gap + found[0][len(slashes):]
