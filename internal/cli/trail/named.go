package trail

import (
	"regexp"
	"strings"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/sid"
)

// Namer returns the display name of a SID for people, "" without one. A nil Namer knows no name.
type Namer func(s sid.SID) string

// of returns the name of a SID: a name of the record itself, of the Namer, or a well-known one; "" without one. n may
// be nil. "-" is no name.
func (n Namer) of(e *audit.Event, s sid.SID) string {
	text := s.String()
	for _, prefix := range [...]string{"Subject", "Primary", "Target"} {
		if field, _ := e.Field(prefix + "UserSid"); field == text {
			if name, _ := e.Field(prefix + "UserName"); name != "" && name != "-" {
				return name
			}
		}
	}
	if n != nil {
		if name := n(s); name != "" {
			return name
		}
	}
	return sid.Name(s)
}

// entry matches an entry in SDDL without a condition. The last field is its SID.
var entry = regexp.MustCompile(`\([A-Z]+;[^();]*;[^();]*;[^();]*;[^();]*;([A-Za-z0-9-]+)\)`)

// appendNames adds account names to text with ACL entries in SDDL: behind each entry the name of its SID (U-121). An
// entry whose SID is malformed or has no name stays as it is.
func (n Namer) appendNames(e *audit.Event, text string) string {
	return entry.ReplaceAllStringFunc(text, func(ace string) string {
		s, err := sid.Resolve(entry.FindStringSubmatch(ace)[1], sid.SID{})
		if err != nil {
			return ace
		}
		return strings.TrimSpace(ace + " " + n.of(e, s))
	})
}

// change returns a text about the change of accounts or rights in a record of event 64050. It consists of the fields
// Change, Target and Detail, with the name of the account after each SID. The text omits Detail if it equals Target.
func (n Namer) change(e *audit.Event) string {
	kind, _ := e.Field("Change")
	target, _ := e.Field("Target")
	detail, _ := e.Field("Detail")
	text := kind + " " + n.account(e, quote(target))
	if detail != "" && detail != "-" && detail != target {
		text += " " + n.account(e, quote(detail))
	}
	return text
}

// who returns the text of [Who] with names next to the SIDs. n may be nil.
func (n Namer) who(e *audit.Event) string {
	who := n.account(e, account(e, "Subject"))
	if server := account(e, "Primary"); server != "" {
		return n.account(e, server) + " as " + who
	}
	return who
}

// account returns an account's name. A SID for which the record has no name gets one from n.
func (n Namer) account(e *audit.Event, text string) string {
	s, err := sid.Parse(text)
	if err != nil || s.String() != text || n.of(e, s) == "" { // BA is the name of a user here
		return text
	}
	return text + " (" + n.of(e, s) + ")"
}
