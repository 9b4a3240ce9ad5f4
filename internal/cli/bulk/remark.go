package bulk

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Remark is a note about the answer for a descriptor. The zero value is not a remark.
type Remark struct {
	Typed    int      // entries that allow one object type only and were not considered
	Unmapped sid.SID  // of S-1-22, that no account of the directory has; zero: every one has an account
	Logons   string   // how the answer differs after other kinds of logon; "": it does not
	Unlisted []string // accounts that are allowed a right of the run and that no principal has (B-117)
}

// remarkOn returns a remark on what an answer does not consider of a descriptor. The argument whole means that the
// run requests rights on the whole object. r.Unmapped is the first Unix SID, the owner's before the DACL's, that dir
// does not know.
func remarkOn(d *sd.Descriptor, dir *directory.Directory, whole bool) (r Remark) {
	if whole {
		r.Typed = TypedEntries(d, winnt.MAXIMUM_ALLOWED)
	}
	inspect := func(s sid.SID) {
		// An account of the server that the directory does not have (B-5).
		if s.Authority() == 22 && r.Unmapped.IsZero() && !dir.Known(s) {
			r.Unmapped = s.Clone()
		}
	}
	inspect(d.Owner())
	for _, x := range d.DACL().Entries() {
		inspect(x.SID)
	}
	return r
}

// TypedEntries counts the entries of a DACL that allow a requested right for one object type only, without inherit-only
// ones. A check without object types ignores them, so the answer mentions their number (B-4). MAXIMUM_ALLOWED and
// generic bits are every right. It returns 0 without a DACL.
func TypedEntries(d *sd.Descriptor, desired winnt.AccessMask) (n int) {
	const unmapped = winnt.MAXIMUM_ALLOWED | winnt.GENERIC_ALL | winnt.GENERIC_READ | winnt.GENERIC_WRITE |
		winnt.GENERIC_EXECUTE
	l := d.DACL()
	for _, x := range l.Entries() {
		allow := x.Kind == sd.AccessAllowedObject || x.Kind == sd.AccessAllowedCallbackObject
		extra := l.Extra(x.Aux)
		if (x.Mask|desired)&unmapped == 0 && x.Mask&desired == 0 {
			continue
		}
		if allow && x.Flags&sd.InheritOnly == 0 && extra != nil && extra.HasObjectType {
			n++
		}
	}
	return n
}

// String returns the remark as text for a row, its parts separated by semicolons, "" for none.
func (r Remark) String() string {
	var all []string
	switch {
	case r.Typed == 1:
		all = append(all, "1 entry is about one object type only and does not count for the whole object")
	case r.Typed > 1:
		all = append(all, fmt.Sprintf("%d entries are about one object type only and do not count for the whole object",
			r.Typed))
	}
	if !r.Unmapped.IsZero() {
		all = append(all, fmt.Sprintf("no account of the directory has %v", r.Unmapped))
	}
	if len(r.Unlisted) > 0 {
		all = append(all, UnlistedText(r.Unlisted, maxUnlistedInRow))
	}
	if r.Logons != "" {
		all = append(all, "the answer depends on the kind of logon: "+r.Logons)
	}
	return strings.Join(all, "; ")
}

// remark counts the remark r about an object, and stores text in o for its row. It keeps the first example of each
// kind. The zero remark counts nothing.
func (s *Summary) remark(o *objects.Object, r *Remark, text string) {
	o.Remark = text
	if r.Typed > 0 {
		s.TypedEntries += r.Typed
		s.Typed++
	}
	for _, name := range r.Unlisted {
		s.unlist(name)
	}
	if r.Logons != "" {
		if s.Logons++; s.FirstLogons == "" {
			s.FirstLogons = string(o.Path) + ": " + r.Logons
		}
	}
	if !r.Unmapped.IsZero() {
		if s.Unmapped++; s.FirstUnmapped == "" {
			s.FirstUnmapped = r.Unmapped.String()
		}
	}
}

// whole reports whether the run requests a right on whole objects of type t. Without requested rights, What requests
// all rights and other questions none. Rights with object types are ignored, and so is control, which either of two
// rights gives.
func (r *Run) whole(t *winnt.ObjectType) bool {
	rights := r.Rights
	if r.Ask == What {
		if len(r.Types) > 0 || r.Holdings != nil {
			return false
		}
		if rights = r.Want; len(rights) == 0 {
			return true
		}
	}
	for _, right := range rights {
		for _, p := range right.On(r.Types, t).Parts(t) {
			// Typed entries cannot grant WRITE_DAC or WRITE_OWNER of a whole object.
			if p.Types == nil && !right.Any() {
				return true
			}
		}
	}
	return false
}
