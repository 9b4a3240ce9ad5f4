package trail

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/winnt"
)

// verbs maps events to the verb for a line.
var verbs = map[uint16]string{
	1100: "stopped the log", 1102: "cleared the log", 1103: "the log is nearly full", 1104: "the log is full",
	1105: "archived a segment",
	4608: "started the log", 4612: "lost records", 4621: "recovered from a failed audit",
	4624: "logged on", 4625: "failed to log on", 4627: "logged on", 4634: "logged off", 4647: "logged off",
	4648: "log on with other credentials as",
	4656: "open", 4658: "close", 4660: "delete",
	4661: "open",
	4662: "operate on", 4663: "use", 4670: "change permissions of", 4672: "logged on with privileges",
	4673: "call a service with privileges",
	4674: "use privileges on", 4688: "start a process", 4689: "end a process", 4690: "duplicate a handle",
	4696: "assign a token", 4697: "install a service",
	4703: "adjust privileges", 4719: "change the audit policy", 4907: "change auditing of",
	4817: "change auditing of", 4906: "set CrashOnAuditFail", 4911: "change attributes or label of",
	4912: "change an account's audit policy", 4913: "change the central policy of",
	5140: "use the share", 5145: "ask the share for",
	audit.UnsafeElevationID: "impersonate upward", audit.OverwrittenID: "removed old records",
	audit.AccountsChangedID: "changed accounts",
}

// Mark formats text that was granted or denied, for example with colour. Nil formats nothing.
type Mark func(granted bool, text string) string

// Line returns one record as a line of text without a newline: subject, action, object, result, and the deciding entry.
// mark formats the outcome and the rights; it may be nil. No other text of the record can imitate its output (U-114).
// If the record has no name for a SID and the SID is not well known, Line gets the name from name (U-121). A nil name
// adds none.
func Line(e *audit.Event, mark Mark, name Namer) string {
	if mark == nil {
		mark = func(_ bool, text string) string { return text }
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s ", e.RecordID, moment(e.Time))
	if e.Outcome == audit.Failure {
		b.WriteString(mark(false, "DENIED") + " ")
	}
	if who := name.who(e); who != "" {
		b.WriteString(printable.Line(who) + " ")
	}
	verb, ok := verbs[e.ID]
	if !ok {
		verb = fmt.Sprintf("event %d", e.ID)
	}
	b.WriteString(verb)
	if what := What(e); what != "" {
		if target, of := strings.CutPrefix(what, "of "); of {
			what = "of " + name.account(e, target)
		}
		b.WriteString(" " + printable.Line(what))
	}
	if names := printable.Line(rights(e)); names != "" {
		b.WriteString(" for " + mark(e.Outcome != audit.Failure, names))
	}
	if more := details(e); more != "" {
		b.WriteString(" " + printable.Line(more))
	}
	if e.ID == audit.AccountsChangedID {
		b.WriteString(": " + printable.Line(name.change(e)))
	}
	if why := Why(e); why != "" {
		b.WriteString(": " + printable.Line(name.appendNames(e, why)))
	}
	return b.String()
}

// moment returns a FILETIME in UTC with milliseconds, always with the same length.
func moment(t int64) string {
	const millisecond = 10_000 // 100-ns units
	text := strings.TrimSuffix(string(audit.AppendTime(nil, t-t%millisecond)), "Z")
	whole, fraction, _ := strings.Cut(text, ".")
	return whole + "." + (fraction + "000")[:3] + "Z"
}

// Who returns the account of a record's subject, "" if it has none. If a server acted for the subject, it returns
// "server as subject".
func Who(e *audit.Event) string {
	who := account(e, "Subject")
	if server := account(e, "Primary"); server != "" {
		return server + " as " + who
	}
	return who
}

// account returns DOMAIN\name of the account in the fields with this prefix. Without a name it returns the SID as it is
// written, and "" if that is missing too. A name or domain "-" counts as missing.
func account(e *audit.Event, prefix string) string {
	name, _ := e.Field(prefix + "UserName")
	sid, _ := e.Field(prefix + "UserSid")
	if name == "" || name == "-" {
		return sid
	}
	if domain, _ := e.Field(prefix + "DomainName"); domain != "" && domain != "-" {
		return domain + `\` + name
	}
	return name
}

// What returns the object of a record: its type and name, a share, a service or an account. It returns "" if the record
// has none. A service and a share count only without an object name.
func What(e *audit.Event) string {
	name, ok := e.Field("ObjectName")
	if share, found := e.Field("ShareName"); found && !ok {
		if below, _ := e.Field("RelativeTargetName"); below != "" && below != "-" {
			share += `\` + below
		}
		return quote(share)
	}
	if !ok {
		if name, ok = e.Field("Service"); ok {
			return quote(name)
		}
		who := account(e, "Target")
		switch e.ID {
		case 4624, 4625, 4627, 4634, 4647, 4648:
			return who
		}
		if who == "" {
			return ""
		}
		return "of " + who
	}
	typ, _ := e.Field("ObjectType")
	return guidName(typ) + " " + quote(guidName(name))
}

// guidName returns the name of a class, attribute or right of Active Directory that a record names by its GUID:
// %{bf967aba-0de6-11d0-a285-00aa003049e2}, with or without the %, is user. It returns any other text unchanged.
func guidName(text string) string {
	bare, opened := strings.CutPrefix(strings.TrimPrefix(text, "%"), "{")
	bare, closed := strings.CutSuffix(bare, "}")
	g, err := winnt.ParseGUID(bare)
	if err != nil || !opened || !closed {
		return text
	}
	for _, known := range adrights.ByGUID(g) {
		return known.Name
	}
	return text
}

// quote returns s in quotation marks if it is empty or has a blank or tab, and otherwise s.
func quote(s string) string {
	if s == "" || strings.ContainsAny(s, " \t") {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// rights returns the names of the rights in the access mask, separated by commas, "" without any.
func rights(e *audit.Event) string {
	var names []string
	for a := range e.Accesses() {
		names = append(names, RightName(e, a.Bit))
	}
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, ",")
}

// reasonWords maps message codes to the reasons of a decision.
var reasonWords = map[uint16]string{
	1801: "granted by", 1802: "denied by", 1803: "denied by the integrity level", 1804: "granted to the owner",
	1805: "not granted by any entry",
	1806: "there is no DACL", 1807: "the DACL is empty", 1808: "there is no security descriptor",
	1810: "a privilege is missing", 1811: "granted by the directory's entry", 1812: "denied by the directory's entry",
	1813: "granted by a central access rule",
	1815: "granted by the directory's central access rule",
	1816: "not granted by the directory's central access rule",
	1814: "not granted by a central access rule", 1830: "not granted to app containers", 1841: "denied by the trust label",
}

// grants reports whether a reason code of an audit record says that the right was granted. An unknown code does not.
func grants(code uint16) bool {
	switch code {
	case 1801, 1804, 1806, 1808, 1811, 1813, 1815:
		return true
	}
	return false
}

// Why returns the reason of a decision: for a denial the first denying entry, for a success each granting entry, for a
// logon the kind of proof or the cause of the failure. It returns "" if the record has none. A success joins several
// reasons with commas, each once.
func Why(e *audit.Event) string {
	if e.ID == 4624 || e.ID == 4625 {
		by, _ := e.Field("LogonProcessName")
		_, proof, _ := strings.Cut(by, ": ")
		return proof
	}
	var why []string
	for a := range e.Accesses() {
		words, ok := reasonWords[a.Reason]
		if !ok {
			continue
		}
		text := words
		switch {
		case a.ACE != "":
			text += " " + a.ACE
		case a.Reason == 1801:
			text += " a privilege"
		}
		granting := grants(a.Reason)
		if e.Outcome == audit.Failure && !granting {
			return text
		}
		if (e.Outcome == audit.Success) == granting && !slices.Contains(why, text) {
			why = append(why, text)
		}
	}
	return strings.Join(why, ", ")
}
