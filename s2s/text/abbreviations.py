"""Abbreviations and sentence openers by language: what `s2s.text.sentences` must know of words.

The lists are our own. Entries lack their last full stop; one in lower case also stands for its capitalised forms, one
with a capital letter does not stand for others ("Rep." is a title, "rep." may end a sentence). An abbreviation of
several letters is written without white space: `z.b` stands for "z. B." and "z.B.". Initials and forms such as "U.S."
need no entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from s2s.text.languages import primary_subtag


@dataclass(frozen=True)
class Abbreviations:
    """What one language writes with a full stop that does not end a sentence.

    Attributes:
        inside: always followed by more of the sentence ("Mr.", "z. B.")
        may_end: they also occur at the end of a sentence, which only an opener after them shows ("etc.", "Inc.")
        before_number: abbreviations only if a number follows ("No. 7")
        openers: words that are capitalised at the start of a sentence only ("The", "Er"); empty if not known
        ordinals: whether "5." may be an ordinal number before a capital letter, as in German
    """

    inside: frozenset[str]
    may_end: frozenset[str]
    before_number: frozenset[str]
    openers: frozenset[str]
    ordinals: bool


_INSIDE = {
    "": "www mr mrs ms messrs sra ing Brig Wm pfc dr prof vs cf ca approx e.g i.e mt sgt capt lt cmdr mme mlle mgr",
    "en": "col gen gov sen sens fr adm drs profs viz incl excl esp resp wm geo chas mx Maj Rep Reps Pres Rev Hon",
    "de": (
        "z.b d.h bzw vgl sog ggf evtl inkl exkl zzgl abzgl ungef gegr sg hl frl hr fr dipl med phil rer nat jur"
        " i.d.r u.u v.a z.t o.g m.e s.o s.u v.chr n.chr geb gest verh verw gen einschl allg insb bes eigtl urspr"
        " versch vorm ehem stellv betr bzgl entspr jew ausschl incl Mag Pr Maj Fa"
    ),
    "fr": "M MM mmes mlles melle me mgr pr ste c.-à-d env apr av c.à.d boul maj Col Gén Lt Cne Cdt Sgt",
    "es": "ee sr sra srta sres dra D dña p.ej av avda pág gral prol lic",
    "it": "sig sigg sig.ra sig.na dott dott.ssa prof.ssa avv arch geom p.es es ecc.mo On S SS",
    "pt": "sr sra srta dra prof.ª profa exmo exma D p.ex av eng",
    "nl": "dhr mevr mw mej drs ir bijv d.w.z o.a m.a.w i.p.v t.o.v t.a.v m.b.t a.u.b evt resp incl excl",
    "cs": "p pí mgr bc doc mudr judr phdr rndr např tj tzv tzn resp popř př sv gen plk kpt mj vč",
    "sk": "p mgr bc doc mudr judr napr tj tzv tzn resp prípadne sv gen plk",
    "pl": "np tj tzn tzw m.in ks mgr inż hab św ul dr.hab prof.dr gen płk por kpt",
    "ru": "т.е т.к т.н т.ч г-н г-жа ул пл пр просп акад проф доц напр см ср св тов гр",
    "uk": "т.зв т.ч вул пл просп акад проф доц напр див св",
    "sv": "t.ex d.v.s dvs bl.a s.k resp inkl exkl fr.o.m t.o.m m.a.o el hr fru jfr dir",
    "da": "f.eks dvs bl.a s.k hr fr inkl ekskl jf vedr",
    "no": "f.eks dvs bl.a s.k hr fr inkl ekskl jf vedr",
}
_MAY_END = {
    "": "st etc jr sr inc ltd corp co bros dept ph.d al univ ft Arch",
    "en": "ave blvd rd hwy ft sq apt dist assn mfg ed eds intl natl esq lbs oz hrs mins secs yrs ext est",
    "de": (
        "usw usf etc bspw co mio mrd tsd str jh jhd std min sek jg abt u.a u.ä o.ä u.v.m e.v jr sen tsch s.a a.d u"
        " dgl max"
    ),
    "fr": "etc cie éd hab min sec tél j.-c bd st Inc",
    "es": "etc uu ee.uu cía ltda a.c d.c s.a c.p ud uds vd vds",
    "it": "ecc s.p.a s.r.l a.c d.c",
    "pt": "etc cia ltda s.a a.c d.c",
    "nl": "enz e.d nv bv n.v b.v v.chr n.chr str",
    "cs": "atd apod aj spol s.r.o a.s tis mil mld kč př.n.l n.l",
    "sk": "atď apod spol s.r.o a.s tis mil mld",
    "pl": "itd itp r w tys mln mld godz zł sp.z.o.o im ok al",
    "ru": "т.д т.п др пр г гг в вв р руб коп тыс млн млрд н.э чел им",
    "uk": "т.д т.п ін р рр ст грн тис млн млрд н.е ім",
    "sv": "etc osv m.m m.fl kr st",
    "da": "osv m.m m.fl kr mio mia",
    "no": "osv m.m m.fl kr mill",
}
_BEFORE_NUMBER = {
    "": "no nos nr p pp vol fig figs art sec ch tel op ed jan feb mar apr jun jul aug sep sept oct nov dec max min",
    "de": "abb abs kap tab bd s ziff pos okt dez jän mo di mi do sa so zi",
    "fr": "n janv févr juil déc chap t",
    "es": "n núm cap ene abr ago dic",
    "it": "n num pag cap gen mag giu lug ott dic",
    "pt": "n num pág cap fev abr ago set out dez",
    "nl": "blz pag hfst art mrt okt",
    "cs": "č čís str s odst obr",
    "sk": "č str s ods obr",
    "pl": "s str rys rozdz ust poz",
    "ru": "с стр рис гл ст п табл тел д кв",
    "uk": "с рис розд ст п табл тел буд кв",
    "sv": "s sid kap bil okt",
    "da": "s kap bl okt",
    "no": "s kap okt des",
}
_OPENERS = {
    "en": (
        "the a an this that these those he she it they we you i his her its their our your my there here then in on"
        " at from for with by to as of and but or so if when while what who where why how which one two three four"
        " five six seven eight nine ten some many several most all both each every no not nobody another other after"
        " before behind during since because although however also is are was were do does did can could will would"
        " has have had let please yes now today yesterday later next someone something everyone nothing only even just"
        " yet still"
    ),
    "de": (
        "der die das dem den des ein eine einer einem einen eines er sie es wir ihr ihre ihren ihrem ihrer sein seine"
        " seinen seinem seiner mein meine unser unsere dein deine dieser diese dieses diesem diesen jener jene jenes"
        " ich du man im in am an auf aus bei beim bis durch für gegen hinter mit nach neben ohne seit über um unter"
        " vom von vor während wegen zu zum zur zwischen und aber oder denn doch sondern wenn weil als ob dass da dann"
        " dort hier heute gestern morgen jetzt nun so auch nur noch schon nicht kein keine keiner alle alles beide"
        " beides jeder jede jedes einige mehrere viele manche andere zwei drei vier fünf sechs sieben acht neun zehn"
        " was wer wo wie warum wann welche welcher ist sind war waren hat haben hatte wird werden kann können soll"
        " muss dabei danach dazu daneben davor dahinter darauf darin davon damit daher deshalb trotzdem jedoch"
        " außerdem zudem rechts links vorne hinten oben unten etwas jemand niemand ja nein bitte"
    ),
    "fr": (
        "le la les l' un une des du de d' ce c' cet cette ces il ils elle elles on nous vous je j' tu son sa ses leur"
        " leurs mon ma mes notre nos votre vos et mais ou donc or car si quand comme que qu' qui quoi où pourquoi"
        " comment dans sur sous avec sans pour par en à au aux chez vers après avant pendant depuis derrière devant"
        " deux trois quatre cinq six sept huit neuf dix plusieurs certains tous toutes tout chaque aucun autre y ne n'"
        " cela ça celui celle ceux puis alors ensuite ainsi aussi là ici voici voilà oui non quelques"
    ),
    "es": (
        "el la los las un una unos unas este esta estos estas ese esa eso aquel aquella él ella ellos ellas yo tú"
        " nosotros usted ustedes su sus mi mis y pero o si cuando mientras que quien como donde en con sin por para de"
        " del a al desde hasta entre sobre dos tres cuatro cinco varios todos todas cada otro otra no sí también hay"
        " es"
    ),
    "it": (
        "il lo la i gli le l' un uno una un' questo questa questi quella quello egli lui lei loro io tu noi voi suo"
        " sua e ma o se quando mentre che chi come dove in nel nella con senza per da dal di del a al su sul tra fra"
        " due tre quattro cinque molti tutti ogni altro non anche c' è sono"
    ),
    "pt": (
        "o a os as um uma uns umas este esta estes esse essa isso aquele aquela ele ela eles elas eu tu nós você seu"
        " sua e mas ou se quando enquanto que quem como onde em no na nos nas com sem por para de do da ao dois duas"
        " três quatro cinco vários todos cada outro não também há é são"
    ),
    "nl": (
        "de het een dit dat deze die hij zij ze het wij we jij je ik u zijn haar hun ons onze mijn en maar of als"
        " toen terwijl wat wie waar waarom hoe in op aan met zonder voor door van naar bij uit over onder achter twee"
        " drie vier vijf veel alle ieder elke niet geen ook er daar hier dan nu is"
    ),
    "cs": (
        "on ona ono oni ten ta to ti tento tato toto v ve na s se z ze do k ke pro po při před za pod a ale nebo když"
        " co kdo kde jak dva dvě tři je jsou byl byla také"
    ),
    "pl": (
        "on ona ono oni one ten ta to ci te w we na z ze do dla po przy przed za pod a ale i lub gdy kiedy co kto"
        " gdzie jak dwa dwie dwóch trzy jest są był była także nie"
    ),
    "ru": (
        "он она оно они это этот эта эти тот та в во на с со из к по для от за под перед и но а или если когда что"
        " кто где как два две три мы вы ты я его её их не также"
    ),
    "sv": (
        "han hon den det de en ett vi du jag ni denna detta dessa i på med utan för av från till vid under efter och"
        " men eller om när medan vad vem var hur två tre alla några inte också är"
    ),
}
_ORDINALS = frozenset(["de", "lb", "gsw"])


@lru_cache
def abbreviations(language: str) -> Abbreviations:
    """Return what is known of a language by its code; an unknown one has the entries of all languages only."""
    code = primary_subtag(language)
    inside, may_end, before_number = (
        frozenset(f"{table['']} {table.get(code, '')}".split()) for table in (_INSIDE, _MAY_END, _BEFORE_NUMBER)
    )
    return Abbreviations(
        inside=inside,
        may_end=may_end,
        before_number=before_number,
        openers=frozenset(_OPENERS.get(code, "").split()),
        ordinals=code in _ORDINALS,
    )
