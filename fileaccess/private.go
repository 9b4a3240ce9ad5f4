package fileaccess

import (
	"errors"
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Rights that expose an object to others.
const (
	changing   = winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER
	ofFiles    = changing | winnt.FILE_GENERIC_READ | winnt.FILE_GENERIC_WRITE | winnt.FILE_EXECUTE
	harmless   = winnt.FILE_READ_ATTRIBUTES | winnt.READ_CONTROL | winnt.SYNCHRONIZE
	exposeFile = ofFiles &^ harmless
	exposeDir  = exposeFile&^winnt.FILE_TRAVERSE | winnt.FILE_DELETE_CHILD
	// exposeName are the rights on a directory that take an object away from its name there.
	exposeName = changing | winnt.FILE_DELETE_CHILD
)

// PrivateRequest is the input of [Private]. User and Object are required.
type PrivateRequest struct {
	User      sid.SID
	Object    *sd.Descriptor
	Directory bool // the object is a directory

	// Trusted are SIDs that may have access besides the user, SYSTEM and
	// Administrators.
	Trusted []sid.SID

	// Parents are the descriptors of the directories that hold the object's names.
	// Without one the result is about the object's own descriptor.
	Parents []*sd.Descriptor
	// Links is the number of names that the object has. 0 means that it is not
	// known.
	Links uint32

	// Absent are SIDs that no token has, such as those of kinds of logon that do
	// not occur. Entries for them expose nothing.
	Absent []sid.SID
}

// Errors of malformed requests of [Private].
var (
	errNoUser    = errors.New("fileaccess: the request names no user")
	errNoObject  = errors.New("fileaccess: the request has no descriptor of the object or of one of its directories")
	errEverybody = errors.New("fileaccess: Everyone is the user or is trusted, so that there is nobody else")
)

// Place says which descriptor an [Exposure] is about.
type Place uint8

// Places.
const (
	OnObject Place = iota // the object's own descriptor
	OnNew                 // that of an object which the user creates in the directory
	OnParent              // that of a directory which holds the object's name
)

// Exposure says what the holders of one SID may do.
type Exposure struct {
	SID    sid.SID
	Rights winnt.AccessMask // the rights that expose; never 0
	// Conditional is the part of Rights that depends on the condition of an entry
	//
	Conditional winnt.AccessMask
	Owner       bool // SID owns the object or directory, and may change its rights for that
	Place       Place
	Parent      int // index in Parents, with OnParent
	// Entries are the numbers of the entries that grant the rights, in the DACL of
	// the object, or with OnParent of the directory.
	Entries []int
}

// Privacy is the result of [Private]. The zero value says that the object is not
// private.
type Privacy struct {
	// Others have access that the question does not allow. They are in the order of
	// the entries, after Everyone.
	Others []Exposure
	// Sandboxed are SIDs that give access only to programs whose user has access
	// too: application packages, capabilities and restricted code. They do
	// not make an object less private.
	Sandboxed []Exposure
	// OtherNames is the number of the object's names whose directory is not in
	// Parents. It is 0 if Links is.
	OtherNames uint32
	// OwnerUnknown says that the object or one of its directories has no owner. Its
	// owner could change its rights, so it is not private.
	OwnerUnknown bool

	decided bool
}

// Private reports whether nobody else can read or change the object.
func (p *Privacy) Private() bool {
	return p != nil && p.decided && len(p.Others) == 0 && p.OtherNames == 0 && !p.OwnerUnknown
}

// Bypass returns the privileges whose holders read or change every file,
// whatever its descriptor says. [Private] does not count them:
// Administrators have all of them, and Backup Operators some.
func Bypass() winnt.PrivilegeSet {
	return winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeRestorePrivilege, winnt.SeTakeOwnershipPrivilege,
		winnt.SeRelabelPrivilege)
}

// Private decides whether anyone but the user, SYSTEM and Administrators may read
// or change a file or directory, and lists who may. It asks the access check about
// every SID that the descriptor names. It knows no memberships: a group counts as
// others even if only the user is in it.
//
// A request without a user or a descriptor is an error, and so is one whose user
// is Everyone or that trusts Everyone. The result then says "not private".
func Private(r *PrivateRequest) (Privacy, error) {
	switch {
	case r == nil || r.User.IsZero():
		return Privacy{}, errNoUser
	case r.Object == nil || slices.Contains(r.Parents, nil):
		return Privacy{}, errNoObject
	case r.User == sid.Everyone || slices.Contains(r.Trusted, sid.Everyone):
		return Privacy{}, errEverybody
	}
	p := privacy{r: r}
	rights := exposeFile
	if r.Directory {
		rights = exposeDir
	}
	p.addExposures(OnObject, 0, r.Object, r.Object, rights)
	if r.Directory {
		p.created(r.Object, 2)
	}
	for i, d := range r.Parents {
		p.addExposures(OnParent, i, d, d, exposeName)
	}
	if p.err != nil {
		return Privacy{}, p.err
	}
	// Whoever owns an object may change its rights, and here that may be anybody.
	for _, d := range append([]*sd.Descriptor{r.Object}, r.Parents...) {
		p.result.OwnerUnknown = p.result.OwnerUnknown || d.Owner().IsZero()
	}
	// A name in a directory that is not given may be anybody's.
	if n := max(uint32(len(r.Parents)), 1); r.Links > n {
		p.result.OtherNames = r.Links - n
	}
	p.result.decided = true
	return p.result, nil
}

// privacy is the state of one call of [Private].
type privacy struct {
	r      *PrivateRequest
	result Privacy
	err    error
}

// trusted reports whether the request accepts that the holders of SID s have access.
func (p *privacy) trusted(s sid.SID) bool {
	return s == p.r.User || s == sid.LocalSystem || s == sid.Administrators || slices.Contains(p.r.Trusted, s)
}

// created examines the objects that the user can create in a directory, down to levels deep. Two levels show every
// entry that descendants can inherit, because an entry that is inherited only once ends at the first.
func (p *privacy) created(dir *sd.Descriptor, levels int) {
	for _, container := range [...]bool{false, true} {
		rights := exposeFile
		if container {
			rights = exposeDir
		}
		// The creator's primary group is not known, so that CREATOR GROUP stays in the entries.
		h := sd.Heir{Container: container, Owner: p.r.User, Mapping: &winnt.FileObject.Mapping}
		aces := sd.Inherit(dir.DACL(), &h, true)
		if len(aces) == 0 { // the default DACL of the creator's token applies, which is not the directory's
			continue
		}
		list, err := sd.NewACL(aces...)
		if err != nil { // the list is too long, so no such object can be created
			continue
		}
		d := sd.New(sd.Parts{Owner: p.r.User, DACL: list})
		p.addExposures(OnNew, 0, d, p.r.Object, rights)
		if container && levels > 1 {
			p.created(d, levels-1)
		}
	}
}

// addExposures adds an Exposure to the result for each SID to which descriptor d grants some of rights. Entry numbers
// refer to the DACL of source. Rights that Everyone has are listed only for Everyone, except for sandboxes.
func (p *privacy) addExposures(where Place, parent int, d, source *sd.Descriptor, rights winnt.AccessMask) {
	sure, most := openedList(d, false), openedList(d, true)
	everyone := Exposure{Rights: p.granted(most, sid.Everyone) & rights}
	everyone.Conditional = everyone.Rights &^ p.granted(sure, sid.Everyone)
	for _, s := range p.candidates(d, where) {
		x := Exposure{SID: s, Place: where, Parent: parent, Rights: p.granted(most, s) & rights}
		x.Conditional = x.Rights &^ p.granted(sure, s)
		sandboxed := isSandbox(s)
		if s != sid.Everyone && !sandboxed {
			x.without(&everyone)
		}
		if where == OnNew {
			p.withoutListed(&x)
		}
		if x.Rights == 0 {
			continue
		}
		x.Owner = s == d.Owner() && d.DACL().Facts()&sd.HasOwnerRights == 0 && x.Rights&winnt.WRITE_DAC != 0
		x.Entries = granting(source, s, x.Rights, where == OnNew)
		if sandboxed {
			p.result.Sandboxed = append(p.result.Sandboxed, x)
			continue
		}
		p.result.Others = append(p.result.Others, x)
	}
}

// without removes from x the rights that other already exposes, under no more conditions than x does.
func (x *Exposure) without(other *Exposure) {
	x.Rights &^= other.Rights &^ other.Conditional
	x.Rights &^= other.Conditional & x.Conditional
	x.Conditional &= x.Rights
}

// withoutListed removes the rights that the result already lists for the SID, or for Everyone, on the directory
// itself. x may have no rights left.
func (p *privacy) withoutListed(x *Exposure) {
	list := p.result.Others
	if isSandbox(x.SID) {
		list = p.result.Sandboxed
	}
	for i := range list {
		if o := &list[i]; o.SID == x.SID || o.SID == sid.Everyone {
			x.without(o)
		}
	}
}

// candidates returns the SIDs whose access [Private] checks: Everyone first, then those of the ACEs, and the owner.
// It leaves out trusted SIDs, placeholders and the SIDs that the request says no token has. For a new object it keeps
// CREATOR GROUP.
func (p *privacy) candidates(d *sd.Descriptor, where Place) []sid.SID {
	list, seen := []sid.SID{sid.Everyone}, map[sid.SID]bool{sid.Everyone: true}
	add := func(s sid.SID) {
		// Nobody has an absent SID.
		if s.IsZero() || seen[s] || p.trusted(s) || isPlaceholder(s) && !(where == OnNew && s == sid.CreatorGroup) ||
			slices.Contains(p.r.Absent, s) {
			return
		}
		seen[s] = true
		list = append(list, s)
	}
	for _, a := range d.DACL().All() {
		add(trustee(a))
	}
	add(d.Owner())
	return list
}

// trustee returns the SID that a caller must have to match an entry: the client SID of a compound entry, else the
// entry's SID.
func trustee(a sd.ACE) sid.SID {
	if c := a.ClientSID(); !c.IsZero() {
		return c
	}
	return a.SID()
}

// isPlaceholder reports whether no token has a SID for which an entry could grant something: a placeholder such as
// CREATOR OWNER, Nobody, an integrity level or a trust level. OWNER RIGHTS is one too: the owner stands for
// it.
func isPlaceholder(s sid.SID) bool {
	switch s {
	case sid.Nobody, sid.CreatorOwner, sid.CreatorGroup, sid.CreatorOwnerServer, sid.CreatorGroupServer, sid.OwnerRights,
		sid.PrincipalSelf:
		return true
	}
	return s.Authority() == 16 || s.Authority() == 19
}

// isSandbox reports whether s is an application package, a capability or restricted code. An ACE for it gives nothing
// to a caller whose other SIDs are denied.
func isSandbox(s sid.SID) bool {
	return s == sid.Restricted || s == sid.WriteRestricted || s.Authority() == 15
}

// granted returns everything that a descriptor grants to a token with one SID and Everyone. The anonymous token may
// have Everyone or not, so that a deny entry for Everyone does not close it. A sandbox's side has only its SID.
func (p *privacy) granted(d *sd.Descriptor, s sid.SID) (m winnt.AccessMask) {
	if s == sid.Anonymous || isSandbox(s) {
		m = p.check(d, token.Spec{User: token.Group{SID: s}})
	}
	if !isSandbox(s) {
		m |= p.check(d, token.Spec{User: token.Group{SID: s}, Groups: []token.Group{{SID: sid.Everyone}}})
	}
	return m
}

// check returns all rights that descriptor d grants to a token with this specification. The check has no integrity
// limit. A token that cannot be made sets p.err and returns 0.
func (p *privacy) check(d *sd.Descriptor, s token.Spec) winnt.AccessMask {
	t, err := token.New(s)
	if err != nil {
		p.err = err
		return 0
	}
	dec, _ := access.Check(t, d, winnt.MAXIMUM_ALLOWED, winnt.FileObject) // fails only without a token or descriptor
	return dec.Granted
}
