"""The SDK's own check of a page, without a server."""


def config_faults(config: str) -> list[str]:
    """Return what the SDK's own check says is wrong with a page, without any server; [] also where it is missing."""
    try:
        from label_studio_sdk._legacy.exceptions import LabelStudioValidationErrorSentryIgnored as NotValid
        from label_studio_sdk._legacy.exceptions import LabelStudioXMLSyntaxErrorSentryIgnored as NotXML
        from label_studio_sdk.label_interface import LabelInterface
    except ImportError:
        return []
    try:
        LabelInterface(config).validate()
    except (NotXML, NotValid, KeyError, ValueError, AttributeError) as fault:
        return [" ".join(str(fault).split())[:200]]
    return []
