// Package adrights has the names and GUIDs in the entries of Active Directory: extended rights, validated writes,
// property sets, classes and attributes. It also says which property set an attribute belongs to.
//
//	e, ok := adrights.Find("User-Force-Change-Password")
//	fmt.Println(adrights.Name(e.GUID, winnt.ADS_RIGHT_DS_CONTROL_ACCESS))
//
// The table is of the schema and the control access rights that MS-ADA1 to
// MS-ADA3, MS-ADSC and MS-ADTS 5.1.3.2.1 publish. A forest can have more: those
// are known by their GUIDs alone. The package has no state; everything may be used
// from any goroutine.
package adrights

import (
	_ "embed" // for the table
	"iter"
	"strings"

	"github.com/refmon/refmon/winnt"
)

// Kind says what a GUID of Active Directory names, such as a class, an attribute or an extended right. The zero value
// is an extended right.
type Kind uint8

// Kinds.
const (
	ExtendedRight Kind = iota
	ValidatedWrite
	PropertySet
	Class
	Attribute
)

// String returns the kind in words.
func (k Kind) String() string {
	names := [...]string{"extended right", "validated write", "property set", "class", "attribute"}
	return names[int(k)%len(names)]
}

// Entry is one name of Active Directory with its GUID.
type Entry struct {
	Name string
	Kind Kind
	GUID winnt.GUID
	Set  winnt.GUID // of an attribute: its property set; zero: it belongs to no set
}

// table has a line for each name: 32 digits of the GUID as printed, a letter for the kind, the digits of the set or
// "-", the name.
//
//go:embed adrights.txt
var table string

const kinds = "xvsca"

// All returns every entry, rights first.
func All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for line := range strings.Lines(table) {
			if !yield(parse(line)) {
				return
			}
		}
	}
}

// parse parses a line of the embedded table: GUID, letter of the kind, GUID of the property set, and name. It panics
// for a malformed line.
func parse(line string) Entry {
	f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4)
	return Entry{Name: f[3], Kind: Kind(strings.Index(kinds, f[1])), GUID: guidOf(f[0]), Set: guidOf(f[2])}
}

// named reports whether a line of the table is about a name, ignoring case, without parsing it. The property set of
// an attribute is between its letter and its name.
func named(line, name string) bool {
	_, after, _ := strings.Cut(line[len("00000000000000000000000000000000 x "):], " ")
	return strings.EqualFold(strings.TrimSuffix(after, "\n"), name)
}

// guidOf parses the GUID of a line of the table, "-" as the zero GUID. Only lines of the table come here, and a test
// reads them all. Malformed digits are the zero GUID, too.
func guidOf(digits string) winnt.GUID {
	if len(digits) != 32 {
		return winnt.GUID{}
	}
	text := strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
	g, err := winnt.ParseGUID(text)
	if err != nil {
		return winnt.GUID{}
	}
	return g
}

// ByName returns the entries with a name, ignoring case, and nil for an unknown name. No two entries of the published
// table have the same name, so there is at most one.
func ByName(name string) (out []Entry) {
	for line := range strings.Lines(table) {
		if named(line, name) {
			out = append(out, parse(line))
		}
	}
	return out
}

// Find returns the first entry of a name, rights before classes and attributes.
func Find(name string) (Entry, bool) {
	for line := range strings.Lines(table) {
		if named(line, name) {
			return parse(line), true
		}
	}
	return Entry{}, false
}

// ByGUID returns the entries of a GUID.
func ByGUID(g winnt.GUID) (out []Entry) {
	digits := strings.ReplaceAll(g.String(), "-", "")
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, digits) {
			out = append(out, parse(line))
		}
	}
	return out
}

// Name returns the name of a GUID in an entry with a mask, "" for an unknown one. One GUID can be an attribute, its
// validated write and its property set: the mask selects one of them.
func Name(g winnt.GUID, mask winnt.AccessMask) string {
	all := ByGUID(g)
	for _, want := range kindsOf(mask) {
		for _, e := range all {
			if e.Kind == want {
				return e.Name
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	return all[0].Name
}

// kindsOf returns the kinds of names that a GUID can have in an ACL entry with this mask, the likeliest first. Read
// and write of properties come before control access, and that before validated writes. Any other mask, 0 too, is
// about a class.
func kindsOf(mask winnt.AccessMask) []Kind {
	switch {
	case mask&(winnt.ADS_RIGHT_DS_READ_PROP|winnt.ADS_RIGHT_DS_WRITE_PROP) != 0:
		return []Kind{Attribute, PropertySet}
	case mask&winnt.ADS_RIGHT_DS_CONTROL_ACCESS != 0:
		return []Kind{ExtendedRight, Attribute}
	case mask&winnt.ADS_RIGHT_DS_SELF != 0:
		return []Kind{ValidatedWrite, Attribute}
	}
	return []Kind{Class}
}
