package lint

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Kinds of findings, as in the JSON output.
const (
	NeverDecides     = "never-decides"      // the entry could go and no decision would change
	UnreachableDeny  = "unreachable-deny"   // a refusal after the grant it was to stop
	IdleDeny         = "idle-deny"          // a denial of rights that no later entry grants
	NonCanonical     = "non-canonical"      // explicit refusals, explicit grants, inherited: not in this order
	UnknownSID       = "unknown-sid"        // a SID of no form that anybody gives out
	Placeholder      = "placeholder"        // CREATOR OWNER where nothing inherits
	NullDACL         = "null-dacl"          // open to all
	EveryoneWritable = "everyone-writable"  // any account that logs on may write
	NoInheritEffect  = "no-inherit-effect"  // flags or GUIDs of inheritance that do nothing
	WrongList        = "wrong-list"         // an entry that has no meaning in its list
	UnknownType      = "unknown-type"       // an entry of an undocumented type
	AlwaysUnknown    = "always-unknown"     // a condition that cannot be decided for any token
	NeverTrue        = "never-true"         // a condition that is true for no token
	NotStrict        = "not-strict"         // read by Windows, refused by the strict reader
	SecondOfKind     = "second-of-its-kind" // only the first label, trust label or policy counts
	NoPolicy         = "no-policy"          // a label that forbids nothing
	BadLabel         = "bad-label"          // a label whose SID is not an integrity level
	NoOutcome        = "no-outcome"         // an audit entry for neither success nor failure
	LogonSession     = "logon-session"      // a file's descriptor names a session that ends before the file
	StoredGeneric    = "stored-generic"     // generic bits in a file's descriptor, which servers take differently
)

// Finding is one problem. The zero value is none.
type Finding struct {
	List  string `json:"list"` // "DACL", "SACL", "owner", "group" or "" for the whole
	ACE   int    `json:"ace"`  // index in List, from 0; -1 for none
	Entry string `json:"entry,omitempty"`
	On    string `json:"on,omitempty"` // object types of the entry, by name
	Kind  string `json:"kind"`
	Rule  string `json:"rule,omitempty"` // id of the rule behind it, as docs/rules has it
	What  string `json:"what"`
	Mend  string `json:"mend"`
}

// Where returns the position of the finding in words: "DACL entry 3", "owner", or "descriptor" for the whole.
func (f Finding) Where() string {
	switch {
	case f.ACE >= 0:
		return fmt.Sprintf("%s entry %d", f.List, f.ACE+1)
	case f.List != "":
		return f.List
	}
	return "descriptor"
}

// String returns the position, the entry, the kind, the problem, the rule and the advice in one line. A missing entry
// or rule is left out.
func (f Finding) String() string {
	s := f.Where()
	if f.Entry != "" {
		s += " " + f.Entry
	}
	s += ": " + f.Kind + ": " + f.What
	if f.Rule != "" {
		s += " (" + f.Rule + ")"
	}
	return s + "; " + f.Mend
}

// linter collects the findings about one descriptor.
type linter struct {
	d      *sd.Descriptor
	typ    *winnt.ObjectType
	domain sid.SID
	either bool // the object is a file or a folder, and typ is that of a folder
	out    []Finding
}

// rights returns the names of rights, separated by |. If the object can be a file or a folder, a right has both names,
// such as FILE_WRITE_DATA/FILE_ADD_FILE (B-123).
func (l *linter) rights(m winnt.AccessMask) string {
	names := strings.Split(l.typ.Names(m), "|")
	files := strings.Split(winnt.FileObject.Names(m), "|")
	for i := range names {
		if l.either && len(files) == len(names) && files[i] != names[i] {
			names[i] = files[i] + "/" + names[i]
		}
	}
	return strings.Join(names, "|")
}

// text returns an entry as SDDL, "" if SDDL cannot express it.
func (l *linter) text(a sd.ACE) string {
	text, err := sddl.FormatACE(a, sddl.Options{Domain: l.domain, Extended: true})
	if err != nil {
		return ""
	}
	return text
}

// Text parses SDDL and returns the findings of [Check]. A [NotStrict] finding comes first if only the lenient parser
// accepts the text. domain resolves relative aliases and may be zero. It returns the errors of sddl.Parse.
func Text(text string, typ *winnt.ObjectType, domain sid.SID) ([]Finding, error) {
	opt := sddl.Options{Domain: domain, Extended: true}
	d, err := sddl.Parse(text, opt)
	if err != nil {
		return nil, err
	}
	out := Check(d, typ, domain)
	if _, err := sddl.ParseStrict(text, opt); err != nil {
		out = append([]Finding{{ACE: -1, Kind: NotStrict, What: err.Error(), Mend: "write it as refmon fmt does"}},
			out...)
	}
	return out, nil
}

// Check returns the problems of a descriptor on an object of a type, nil without a finding. A nil typ means a file or a
// folder: Check then reports what is a problem of a folder. domain only serves to print aliases and may be zero.
func Check(d *sd.Descriptor, typ *winnt.ObjectType, domain sid.SID) []Finding {
	l := &linter{d: d, typ: typ, domain: domain}
	if typ == nil {
		l.typ, l.either = winnt.DirectoryFileObject, true
	}
	l.checkOwners()
	l.checkDACL()
	l.checkSACL()
	l.checkEveryone()
	l.checkStored()
	return l.out
}

// add adds a finding about the entry a, with index i, of a list. i is -1 and a zero for a finding about the whole list.
// what and args format the text.
func (l *linter) add(list string, i int, a sd.ACE, kind, rule, mend, what string, args ...any) {
	f := Finding{List: list, ACE: i, Kind: kind, Rule: rule, What: fmt.Sprintf(what, args...), Mend: mend}
	if !a.IsZero() {
		if f.Entry = l.text(a); f.Entry != "" {
			f.On = words.Entry(a)
		}
	}
	l.out = append(l.out, f)
}

// checkOwners reports an owner or a group whose SID has no known form.
func (l *linter) checkOwners() {
	for _, x := range []struct {
		list string
		sid  sid.SID
	}{{"owner", l.d.Owner()}, {"group", l.d.Group()}} {
		if !x.sid.IsZero() && !known(x.sid) {
			l.add(x.list, -1, sd.ACE{}, UnknownSID, "", "check it for a typing error", "%s", unknown(x.sid))
		}
	}
}

// checkInheritance checks the inheritance flags of an entry of either list. One entry can have several findings.
func (l *linter) checkInheritance(list string, i int, a sd.ACE) {
	f := a.Flags()
	inherits := f&(sd.ObjectInherit|sd.ContainerInherit) != 0
	switch {
	case f&sd.InheritOnly != 0 && !inherits:
		l.add(list, i, a, NoInheritEffect, "A-70", "drop the entry, or its flag IO to make it act on this object",
			"it is inherit-only, and nothing inherits it: it acts on no object at all")
	case f&sd.NoPropagateInherit != 0 && !inherits:
		l.add(list, i, a, NoInheritEffect, "", "drop the flag NP, or add OI or CI",
			"NP limits how far an entry is inherited, and nothing inherits this one")
	case inherits && !l.typ.Container && list == "DACL" && leafTypes[l.typ]:
		l.add(list, i, a, NoInheritEffect, "", "drop OI and CI, or check it with --type directory",
			"it is to be inherited, and a %s has no children", l.typ.Name)
	}
	if _, ok := a.InheritedObjectType(); ok && !inherits {
		l.add(list, i, a, NoInheritEffect, "", "drop the inherited object type, or add CI or OI",
			"it names the class that inherits it, and nothing inherits it")
	}
}

// leafTypes are the object types that contain no other objects.
var leafTypes = map[*winnt.ObjectType]bool{
	winnt.FileObject: true, winnt.TokenObject: true, winnt.ProcessObject: true, winnt.ThreadObject: true,
	winnt.JobObject:          true,
	winnt.SymbolicLinkObject: true, winnt.EventObject: true, winnt.MutantObject: true, winnt.SemaphoreObject: true,
	winnt.TimerObject: true, winnt.SectionObject: true,
}
