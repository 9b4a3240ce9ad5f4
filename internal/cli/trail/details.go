package trail

import (
	"slices"
	"strings"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/sid"
)

// shown are the fields that a line has after subject, object and rights, in this order, each with the word before it.
var shown = [...]struct{ name, word string }{
	{"PrivilegeList", "with"}, {"EnabledPrivilegeList", "enabling"}, {"DisabledPrivilegeList", "disabling"},
	{"SubcategoryGuid", ""}, {"AuditPolicyChanges", ""}, {"CrashOnAuditFailValue", "to"}, {"NewSd", "to"},
	{"Properties", "on"}, {"GroupMembership", "with the groups"},
	{"AuditsDiscarded", "lost:"}, {"BytesDiscarded", "bytes cut off:"}, {"PercentFull", "percent:"},
	{"BackupPath", "to"}, {"FirstRecordId", "from record"}, {"LastRecordId", "up to record"}, {"Cause", "because of"},
}

// changeWords replaces the message codes in AuditPolicyChanges.
var changeWords = strings.NewReplacer(
	"%%8448", "success removed", "%%8449", "success added", "%%8450", "failure removed", "%%8451", "failure added",
	"%%8452", "success no longer included", "%%8453", "success included",
	"%%8454", "success no longer excluded", "%%8455", "success excluded",
	"%%8456", "failure no longer included", "%%8457", "failure included",
	"%%8458", "failure no longer excluded", "%%8459", "failure excluded",
)

// details returns the additional fields of a record, each after its word, as text for a line. It omits fields without a
// value, and returns "" without any. Text in fields loses its line breaks.
func details(e *audit.Event) string {
	var parts []string
	for _, d := range shown {
		text, ok := e.Field(d.name)
		if !ok || text == "-" {
			continue
		}
		switch d.name {
		case "SubcategoryGuid":
			if s, err := audit.ParseSubcategory(text); err == nil {
				text = s.String() + ":"
			}
		case "AuditPolicyChanges":
			text = changeWords.Replace(text)
		case "GroupMembership", "Properties":
			if text = strings.Join(named(text), ","); text == "" {
				continue
			}
		default:
			text = strings.Join(strings.Fields(text), ",")
		}
		parts = append(parts, strings.TrimSpace(d.word+" "+text))
	}
	return strings.Join(parts, " ")
}

// maxNamed is the number of groups or properties that a line names.
const maxNamed = 64

// named returns the names of the SIDs and GUIDs in a list. Codes of rights are left out. An unnamed SID or GUID is
// returned as text, and so is a well-known SID that occurs again. After maxNamed names the last element is "…". For
// an empty list the result is nil.
func named(list string) (names []string) {
	for item := range strings.FieldsFuncSeq(list, func(r rune) bool { return r <= ' ' || r == ',' }) {
		bare := strings.TrimSuffix(strings.TrimPrefix(item, "%{"), "}")
		s, err := sid.Parse(bare)
		switch {
		case len(names) == maxNamed:
			return append(names, "…")
		case strings.HasPrefix(item, "%%"):
		case err == nil && sid.Name(s) != "" && !slices.Contains(names, sid.Name(s)):
			names = append(names, sid.Name(s))
		case err == nil:
			names = append(names, bare)
		default:
			names = append(names, guidName(item))
		}
	}
	return names
}
