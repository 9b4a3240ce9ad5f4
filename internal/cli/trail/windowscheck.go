package trail

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// WindowsCheck tests refmon's audit rules on events of Windows: it derives from each event what its other fields
// determine, and counts the events that say the same (U-203). [NewWindowsCheck] returns one.
type WindowsCheck struct {
	report func(line string)
	counts [checkCount]struct{ equal, differing, known uint64 }
	opens  map[openKey]winnt.AccessMask // by open handles
}

// checkKind is one of the comparisons.
type checkKind int

const (
	checkFields checkKind = iota
	checkCodes
	checkReasons
	checkPrivileges
	checkDescriptors
	checkUses
	checkCount
)

var checkNames = [checkCount]string{"names of the fields", "codes of the access mask", "reasons and their entries",
	"order of privileges", "descriptors as text", "uses within the open"}

// openKey identifies an open handle across its events 4656, 4663 and 4658, which are open, use and close.
type openKey struct{ computer, process, handle string }

// Limits of what a check remembers (U-202).
const (
	maxOpens = 1 << 16 // open handles
	maxKey   = 512     // bytes of the names of one
)

// NewWindowsCheck returns a check that calls report with a line about each difference. report must not be nil.
func NewWindowsCheck(report func(line string)) *WindowsCheck {
	return &WindowsCheck{report: report, opens: map[openKey]winnt.AccessMask{}}
}

// Differing returns the number of differences so far, without the known ones that docs/CAVEATS.md describes.
func (c *WindowsCheck) Differing() (n uint64) {
	for i := range c.counts {
		n += c.counts[i].differing
	}
	return n
}

// Print writes a table with the number of equal, differing and known comparisons of each kind so far. Kinds without
// comparisons are printed, too.
func (c *WindowsCheck) Print(w io.Writer) error {
	text := fmt.Sprintf("%-28s%10s%12s%8s\n", "compared", "equal", "differing", "known")
	for i, n := range c.counts {
		text += fmt.Sprintf("%-28s%10d%12d%8d\n", checkNames[i], n.equal, n.differing, n.known)
	}
	_, err := io.WriteString(w, text)
	return err
}

// Add makes all comparisons that apply to an event, counts them and reports differences. Events must come in their
// order, because an open is compared with later uses.
func (c *WindowsCheck) Add(e *audit.Event) {
	c.fields(e)
	c.codes(e)
	c.reasons(e)
	c.privileges(e)
	c.descriptors(e)
	c.uses(e)
}

// note counts the result of a comparison of the kind k, and reports a difference. got is the text that refmon
// derived, want the text of the event. Long texts are cut in the report.
func (c *WindowsCheck) note(k checkKind, e *audit.Event, got, want string) {
	if got == want {
		c.counts[k].equal++
		return
	}
	c.counts[k].differing++
	c.report(printable.Line(fmt.Sprintf("record %d, event %d, %s: Windows wrote %s, refmon derives %s", e.RecordID, e.ID,
		checkNames[k], quote(shown100(want)), quote(shown100(got)))))
}

// shown100 returns the first 100 bytes of a text, with an ellipsis if it is longer.
func shown100(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}

// ours are the fields that refmon adds to events of Windows (U-20, U-68, U-75, U-92).
var ours = map[string]bool{"PrimaryUserSid": true, "PrimaryUserName": true, "PrimaryDomainName": true,
	"PrimaryLogonId": true, "ObjectDirectory": true, "RecordsLeftOut": true, "Truncated": true}

// fields compares the names of the fields with the catalogue. It skips unknown events and other versions. Fields that
// refmon itself adds are ignored.
func (c *WindowsCheck) fields(e *audit.Event) {
	k, ok := audit.KindOf(e.ID)
	if !ok || k.Version != e.Version {
		return
	}
	var got []string
	for f := range e.Fields() {
		if !ours[f.Name] {
			got = append(got, f.Name)
		}
	}
	c.note(checkFields, e, strings.Join(slices.Collect(k.Fields()), " "), strings.Join(got, " "))
}

// codes compares the rights that an event lists with those that its mask contains. Without a list it does nothing. A
// malformed mask is replaced by the listed rights.
func (c *WindowsCheck) codes(e *audit.Event) {
	var listed []string
	var mask winnt.AccessMask
	for a := range e.Accesses() {
		listed = append(listed, strconv.Itoa(int(a.Code)))
		mask |= a.Bit
	}
	list, found := e.Field("AccessList")
	text, _ := e.Field("AccessMask")
	if !found {
		list = text // event 4674 has its rights in AccessMask (U-22)
	}
	if !strings.HasPrefix(list, "%%") {
		return
	}
	if m, err := strconv.ParseUint(text, 0, 32); err == nil {
		mask = winnt.AccessMask(m)
	}
	var derived []string
	for r := range audit.Rights(rightsTypeOf(e), mask) {
		derived = append(derived, strconv.Itoa(int(r.Code)))
	}
	c.note(checkCodes, e, strings.Join(derived, " "), strings.Join(listed, " "))
}

// rightsTypeOf returns the name of the object type whose rights an event lists, "" without one.
func rightsTypeOf(e *audit.Event) string {
	typ, _ := e.Field("ObjectType")
	if server, _ := e.Field("ObjectServer"); e.ID == 4662 && server == "DS" {
		return "DirectoryService"
	}
	return typ
}

// explained is a right of an event with the entry that its reason names, the zero value for none.
type explained struct {
	audit.Access
	entry sd.ACE
}

// explainedRights returns the rights of an event that have a reason. An entry that is not valid SDDL is an error. It
// returns nil if none has a reason.
func explainedRights(e *audit.Event) (lines []explained, err error) {
	for a := range e.Accesses() {
		if a.Reason == 0 {
			continue
		}
		l := explained{Access: a}
		if a.ACE != "" {
			d, err := sddl.Parse(a.ACE, sddl.Options{})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", a.ACE, err)
			}
			if l.entry = d.DACL().At(0); l.entry.IsZero() {
				l.entry = d.SACL().At(0)
			}
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// reasons compares the reason of each right with the entries in the same event, and the outcome with the reasons. It
// skips events without reasons. An entry that is not SDDL counts as a difference.
func (c *WindowsCheck) reasons(e *audit.Event) {
	lines, err := explainedRights(e)
	if err != nil {
		c.note(checkReasons, e, "an error: "+err.Error(), "an entry")
		return
	}
	if len(lines) == 0 {
		return
	}
	mapping := mappingOf(rightsTypeOf(e))
	granted := true
	var got, want []string
	for i := range lines {
		l := &lines[i]
		granted = granted && grants(l.Reason)
		got = append(got, fmt.Sprintf("%d:%d", l.Code, l.derived(mapping, lines)))
		want = append(want, fmt.Sprintf("%d:%d", l.Code, l.Reason))
	}
	if granted != (e.Outcome == audit.Success) {
		got = append(got, map[bool]string{true: "success", false: "failure"}[granted])
	}
	c.note(checkReasons, e, strings.Join(got, " "), strings.Join(want, " "))
}

// derived returns the reason code that the access check's rules give for the right l. The entries of all rights are
// in all. A code that the entries contradict becomes 1805. 1805 becomes 1801 if an entry of another right covers this
// right. Any other code is returned unchanged.
func (l *explained) derived(mapping *winnt.GenericMapping, all []explained) uint16 {
	has := func(a sd.ACE, bit winnt.AccessMask) bool { return a.IsZero() || mapping.Map(a.Mask())&bit != 0 }
	switch l.Reason {
	case 1801:
		if !has(l.entry, l.Bit) || l.entry.Type().IsDeny() {
			return 1805
		}
	case 1802:
		if !has(l.entry, l.Bit) || !l.entry.IsZero() && !l.entry.Type().IsDeny() {
			return 1805
		}
	case 1811:
		// The directory's right stands for that of its entry (F-42, F-43).
		right := map[winnt.AccessMask]winnt.AccessMask{winnt.DELETE: winnt.FILE_DELETE_CHILD,
			winnt.FILE_READ_ATTRIBUTES: winnt.FILE_LIST_DIRECTORY}[l.Bit]
		if !has(l.entry, right) || l.entry.Type().IsDeny() {
			return 1805
		}
	case 1805:
		for i := range all {
			// An entry that granted another right would have granted this one too.
			if all[i].Reason == 1801 && !all[i].entry.IsZero() && has(all[i].entry, l.Bit) {
				return 1801
			}
		}
	}
	return l.Reason
}

// mappingOf returns the generic mapping of an object type by name, an empty mapping for an unknown type.
func mappingOf(typ string) *winnt.GenericMapping {
	if t := winnt.ObjectTypeByName(typ); t != nil {
		return &t.Mapping
	}
	return new(winnt.GenericMapping)
}

// privileges compares the order of privileges in each list of an event with the usual order. Event 4672 has two right
// orders, because it does not state its kind of logon (U-200). An unknown privilege is a difference and ends the
// check of the event.
func (c *WindowsCheck) privileges(e *audit.Event) {
	for f := range e.Fields() {
		if !f.IsList() || !strings.HasSuffix(f.Name, "PrivilegeList") {
			continue
		}
		names := slices.Collect(f.Items())
		var set winnt.PrivilegeSet
		for _, name := range names {
			p, err := winnt.ParsePrivilege(name)
			if err != nil {
				c.note(checkPrivileges, e, "no privilege "+name, strings.Join(names, " "))
				return
			}
			set |= p.Bit()
		}
		want, derived := strings.Join(names, " "), strings.Join(set.Names(), " ")
		if network := strings.Join(audit.SpecialPrivileges(set, winnt.LOGON32_LOGON_NETWORK), " "); e.ID == 4672 &&
			want == network {
			derived = network
		}
		if e.ID == 4703 && derived != want && len(names) == len(set.Names()) {
			// The order is that of the caller's array (docs/CAVEATS.md).
			c.counts[checkPrivileges].known++
			continue
		}
		c.note(checkPrivileges, e, derived, want)
	}
}

// descriptors compares each descriptor in an event with the text that refmon formats for it. A text that is not SDDL
// counts as a difference. Empty fields are skipped.
func (c *WindowsCheck) descriptors(e *audit.Event) {
	for _, name := range [...]string{"OldSd", "NewSd", "OldSD", "NewSD", "ResourceAttributes"} {
		text, _ := e.Field(name)
		if text == "" || text == "-" || strings.HasPrefix(text, "%%") {
			continue
		}
		var again string
		d, err := sddl.Parse(text, sddl.Options{})
		if err == nil {
			again, err = sddl.Format(d, sddl.Options{})
		}
		if err != nil {
			again = "an error: " + err.Error()
		}
		c.note(checkDescriptors, e, again, text)
	}
}

// uses compares the rights in event 4663, the use of a handle, with the rights that the handle's open in event 4656
// granted. It skips a use whose open was not among the events. It ignores events without a handle, and opens beyond
// maxOpens.
func (c *WindowsCheck) uses(e *audit.Event) {
	process, _ := e.Field("ProcessId")
	handle, _ := e.Field("HandleId")
	if handle == "" || handle == "-" || handle == "0x0" || len(e.Computer)+len(process)+len(handle) > maxKey {
		return
	}
	key := openKey{e.Computer, process, handle}
	mask := winnt.AccessMask(mask(e))
	switch granted, known := c.opens[key]; {
	case e.ID == 4656 && e.Outcome == audit.Success && len(c.opens) < maxOpens:
		c.opens[key] = mask
	case e.ID == 4658 || e.ID == 4656 && e.Outcome == audit.Success:
		delete(c.opens, key)
	case e.ID == 4663 && known:
		c.note(checkUses, e, (mask & granted).String(), mask.String())
	}
}
