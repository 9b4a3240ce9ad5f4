package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// privatePage prints an answer for a person.
type privatePage struct {
	std  *streams
	q    *fileaccess.PrivateRequest
	p    *fileaccess.Privacy
	name func(sid.SID) string // "": a SID without a name
}

// print writes the page for people: PRIVATE or NOT PRIVATE, each exposure, other hard links, and remarks.
func (p *privatePage) print() error {
	var b strings.Builder
	if p.p.Private() {
		text := "nobody but this user, SYSTEM and Administrators may read or change it"
		if len(p.q.Trusted) > 0 {
			text = "nobody but this user, SYSTEM, Administrators and those of --allow may read or change it"
		}
		b.WriteString(p.std.paint(green, "PRIVATE") + " for " + p.who(p.q.User) + "\n" + wrapAt(text, 2, pageWidth))
	} else {
		b.WriteString(p.std.paint(red, "NOT PRIVATE") + " for " + p.who(p.q.User) + "\n")
	}
	for i := range p.p.Others {
		p.exposure(&b, &p.p.Others[i])
	}
	if n := p.p.OtherNames; n > 0 {
		b.WriteString("\n" + wrapAt(count(int(n), "other name", "other names")+" of the file (hard links)", 0, pageWidth) +
			wrapAt("in folders that were not given: inheritance from there can open it", 2, pageWidth))
	}
	for _, line := range p.remarks() {
		b.WriteString(line)
	}
	_, err := fmt.Fprint(p.std.out, b.String())
	return err
}

// exposure appends one exposure to b: the account, its rights, and the entries that grant them.
func (p *privatePage) exposure(b *strings.Builder, x *fileaccess.Exposure) {
	text := "may " + p.rights(x)
	d := p.q.Object
	switch x.Place {
	case fileaccess.OnNew:
		text += ", of new files and folders in it"
	case fileaccess.OnParent:
		d = p.q.Parents[x.Parent]
		text = "may delete it through its folder and put another in its place, by " +
			strings.ReplaceAll(winnt.DirectoryFileObject.Names(x.Rights), "|", ", ")
	}
	if x.Conditional == x.Rights {
		text += ", if a condition holds"
	} else if x.Conditional != 0 {
		text += ", some of it if a condition holds"
	}
	b.WriteString("\n" + p.std.paint(bold, p.who(x.SID)) + "\n" + wrapAt(text, 2, pageWidth))
	for _, line := range p.through(x, d) {
		b.WriteString(wrapAt(line, 2, pageWidth))
	}
}

// through explains an exposure: a line for each entry of d that grants the rights, and one for ownership. If d has no
// DACL, it returns that line alone.
func (p *privatePage) through(x *fileaccess.Exposure, d *sd.Descriptor) (lines []string) {
	if !d.HasDACL() {
		return []string{"there is no DACL, so that nothing limits access"}
	}
	for _, i := range x.Entries {
		a := d.DACL().At(i)
		line := "by " + entryText(a)
		if a.Flags()&sd.Inherited != 0 {
			line += ", inherited"
		}
		lines = append(lines, line)
	}
	if x.Owner {
		lines = append(lines, "as the owner, who may always change the rights")
	}
	return lines
}

// remarks returns the limits of the answer, for the lines below the result: who is not counted, and which facts are
// not known.
func (p *privatePage) remarks() (lines []string) {
	add := func(text string) { lines = append(lines, wrapAt(text, 2, pageWidth)) }
	lines = append(lines, "\nnot counted:\n")
	for i := range p.p.Sandboxed {
		x := &p.p.Sandboxed[i]
		add(p.who(x.SID) + " may " + p.rights(x) + ": programs in a sandbox, if their user may too")
	}
	add("holders of " + strings.Join(fileaccess.Bypass().Names(), ", ") +
		", who may read or change every file: Administrators, and some of them Backup Operators")
	missing := p.unknown("who owns it, or its folder, and may change the rights: state the owner, in SDDL as O:SID",
		"whether others may delete or replace it through its folder",
		"whether it has other names (hard links)")
	if len(missing) > 0 {
		lines = append(lines, "not known:\n")
	}
	for _, text := range missing {
		add(text)
	}
	return lines
}

// unknown returns a text for each fact that the caller did not give: an owner, the folder, and the number of hard
// links. Only without an owner the object counts as not private.
func (p *privatePage) unknown(owner, folder, names string) []string {
	list := []string{}
	if p.p.OwnerUnknown {
		list = append(list, owner)
	}
	if len(p.q.Parents) == 0 {
		list = append(list, folder)
	}
	if p.q.Links == 0 && !p.q.Directory {
		list = append(list, names)
	}
	return list
}

// rights returns, as words, what the rights of an exposure let their holder do, or "" for rights that do none of it.
func (p *privatePage) rights(x *fileaccess.Exposure) string {
	var list []string
	for _, r := range []struct {
		mask winnt.AccessMask
		text string
	}{
		{winnt.FILE_READ_DATA | winnt.FILE_READ_EA | winnt.FILE_EXECUTE, "read"},
		{winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_WRITE_EA | winnt.FILE_WRITE_ATTRIBUTES, "change"},
		{winnt.DELETE, "delete"}, {winnt.FILE_DELETE_CHILD, "delete what is in it"},
		{winnt.WRITE_DAC, "change the rights"}, {winnt.WRITE_OWNER, "take ownership"},
	} {
		if x.Rights&r.mask != 0 {
			list = append(list, r.text)
		}
	}
	return strings.Join(list, ", ")
}

// pageWidth is the width of the page, also in a pipe.
const pageWidth = 79

// who returns a SID with its name, if it has one.
func (p *privatePage) who(s sid.SID) string {
	if name := p.name(s); name != "" {
		return inLine(name) + " (" + s.String() + ")"
	}
	return s.String()
}

// entryText returns an entry in SDDL, or its type if it has no form there.
func entryText(a sd.ACE) string {
	text, err := sddl.FormatACE(a, sddl.Options{})
	if err != nil {
		return a.Type().String()
	}
	return printable(text)
}

// exposureRow is an exposure as JSON.
type exposureRow struct {
	SID         sid.SID `json:"sid"`
	Name        string  `json:"name,omitempty"`
	Place       string  `json:"place"`            // object, new or parent
	Parent      *int    `json:"parent,omitempty"` // the number of --parent, from 0
	Rights      string  `json:"rights"`
	Names       string  `json:"names"`
	Conditional string  `json:"conditional,omitempty"`
	Owner       bool    `json:"owner,omitempty"`
	Entries     []int   `json:"entries"`
}

// printJSON writes the page as one line of JSON. A list without elements is [], never null. others and sandboxed are
// rows with the place of the right. It returns the error of the output.
func (p *privatePage) printJSON() error {
	places := map[fileaccess.Place]string{fileaccess.OnObject: "object", fileaccess.OnNew: "new",
		fileaccess.OnParent: "parent"}
	rows := func(list []fileaccess.Exposure) []exposureRow {
		out := []exposureRow{}
		for i := range list {
			x := &list[i]
			typ := typeOfFile(p.q.Directory || x.Place == fileaccess.OnParent)
			row := exposureRow{SID: x.SID, Name: p.name(x.SID), Place: places[x.Place], Rights: x.Rights.Padded(),
				Names: typ.Names(x.Rights), Owner: x.Owner, Entries: x.Entries}
			if x.Place == fileaccess.OnParent {
				row.Parent = &x.Parent
			}
			if x.Conditional != 0 {
				row.Conditional = x.Conditional.Padded()
			}
			if row.Entries == nil {
				row.Entries = []int{}
			}
			out = append(out, row)
		}
		return out
	}
	line, err := json.Marshal(struct {
		Private    bool          `json:"private"`
		User       sid.SID       `json:"user"`
		Others     []exposureRow `json:"others"`
		OtherNames uint32        `json:"otherNames"`
		Sandboxed  []exposureRow `json:"sandboxed"`
		Bypass     []string      `json:"bypass"`
		Unknown    []string      `json:"unknown"`
	}{p.p.Private(), p.q.User, rows(p.p.Others), p.p.OtherNames, rows(p.p.Sandboxed), fileaccess.Bypass().Names(),
		p.unknown("owner", "parent", "names")})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.std.out, "%s\n", line)
	return err
}
