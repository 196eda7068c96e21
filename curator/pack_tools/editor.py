"""What Label Studio's editor knows: its tags, what may stand in which, the words of their attributes, its keys.

From the editor of label-studio 1.23.2 (web/dist: `addTag`, `unionArray`, `enumeration`) and tried in Chromium. Neither
the server nor the SDK has a schema of this; any of these faults shows an error in place of the whole page.
"""

from curator.labels.results import KINDS

REFUSED = {  # pass every check of the server and the SDK, and break the page of the open edition
    "chat": "Chat is not in Label Studio's open edition: the page breaks. Use Paragraphs for a dialogue.",
    "reactcode": "ReactCode is not in Label Studio's open edition: the page breaks.",
    "custominterface": "CustomInterface is not in Label Studio's open edition: the page breaks.",
    "script": "Label Studio knows no tag Script: the page breaks. Take it out.",
}
OBJECT_TAGS = "audio audioplus hypertext image list paragraphs pdf table text timeseries video"
ASKING_TAGS = """
    datetime pairwise ranker labels hypertextlabels paragraphlabels brush brushlabels ellipse ellipselabels keypoint
    keypointlabels magicwand polygon polygonlabels rectangle rectanglelabels bitmask bitmasklabels vector vectorlabels
    videorectangle timelinelabels timeserieslabels
"""
OTHER_TAGS = """
    view header style collapse panel markdown filter repeater pagedview dialog relations relation shortcut choice label
    bucket channel multichannel
"""
OBJECTS = set(OBJECT_TAGS.split())
READ = {name.lower(): name for name in KINDS}  # questions whose answers curator reads
ASKING = set(READ) | set(ASKING_TAGS.split())
KNOWN = OBJECTS | ASKING | set(OTHER_TAGS.split())
HOLDS = {  # tags that break the page where they hold another; those of HyperText and Markdown are read as text
    "choices": {"choice", "view", "header", "hypertext"},
    "choice": {"choice"},
    "taxonomy": {"choice"},
    "textarea": {"shortcut"},
    "collapse": {"panel"},
    "ranker": {"bucket"},
    "relations": {"relation"},
    "markdown": set(),
}
BELONGS = {"panel": "Collapse", "shortcut": "TextArea", "bucket": "Ranker", "relation": "Relations"}
MARKS = {"symbol", "word", "sentence", "paragraph"}
WORDS = {  # the values that an attribute may have, by tag and attribute
    ("choices", "choice"): {"single", "single-radio", "multiple"},
    ("choices", "layout"): {"select", "inline", "vertical"},
    ("labels", "choice"): {"single", "multiple"},
    ("relations", "choice"): {"single", "multiple"},
    ("label", "granularity"): MARKS,
    ("text", "granularity"): MARKS,
    ("hypertext", "granularity"): MARKS,
    ("text", "encoding"): {"none", "base64", "base64unicode"},
    ("text", "valuetype"): {"text", "url"},
    ("hypertext", "valuetype"): {"text", "url"},
    ("text", "savetextresult"): {"none", "no", "yes"},
    ("hypertext", "savetextresult"): {"none", "no", "yes"},
    ("paragraphs", "savetextresult"): {"none", "no", "yes"},
    ("paragraphs", "layout"): {"none", "dialogue"},
    ("paragraphs", "valuetype"): {"json", "url"},
}
WHEN = {"region-selected", "choice-selected", "no-region-selected", "choice-unselected"}  # another one is passed over
SWITCHES = """
    accordion allowempty allownested allowsubmit bordered collapsible editable leafsonly open peritem perregion readonly
    required selected selectionenabled showalias showfullpath showinline showlabels showsubmitbutton skipduplicates
    slider
"""
YES_NO = set(SWITCHES.split())
MOST_STARS = 100  # a browser draws them all
TAKEN = {  # keys of the page itself, on every task
    "ctrl+enter": "submits the answer",
    "ctrl+space": "skips the task",
    "ctrl+z": "takes the last step back",
    "ctrl+shift+z": "does the last step again",
    "ctrl+backspace": "deletes all marks",
    "enter": "begins to write",
    "escape": "leaves a field",
    "backspace": "deletes a mark",
    "delete": "deletes a mark",
}
