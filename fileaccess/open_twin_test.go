package fileaccess_test

import (
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// twin decides an open a second time, straight from the text of the rules,
// one bit at a time, through the general access check. It shares nothing with
// the package but the types.
type twin struct {
	r *fileaccess.Request
	f *fileaccess.Facts
}

type twinAnswer struct {
	status  ntstatus.Status
	granted winnt.AccessMask
	implied winnt.AccessMask
	action  fileaccess.Action
	used    winnt.PrivilegeSet
	force   bool
	made    bool
	max     fileaccess.MaximalAccess
}

const (
	twinSACL = winnt.AccessMask(0x1000000)
	twinMax  = winnt.AccessMask(0x2000000)
)

func (w *twin) token() *token.Token { return w.r.Subject.Effective() }

func (w *twin) has(p winnt.Privilege) bool { return w.token().Has(p) }

// single returns an access check of one bit.
func (w *twin) single(d *sd.Descriptor, bit winnt.AccessMask) (bool, winnt.PrivilegeSet) {
	if d == nil { // F-101
		return false, 0
	}
	dec, err := access.SeAccessCheck(&access.Request{Descriptor: d, Subject: w.r.Subject, Desired: bit,
		Type: winnt.FileObject, Policies: w.f.Policy.Central, Options: w.f.Policy.Access})
	return err == nil && dec.Allowed(), dec.PrivilegesUsed
}

// can applies F-2.
func (w *twin) can(d *sd.Descriptor, want winnt.AccessMask) (m winnt.AccessMask, used winnt.PrivilegeSet) {
	for i := range 32 {
		bit := winnt.AccessMask(1) << i
		if want&bit == 0 {
			continue
		}
		ok, u := w.single(d, bit)
		used |= u
		if ok {
			m |= bit
		}
	}
	return m, used
}

// ceiling reports whether the object's label, trust label and filters allow a bit.
// It checks a descriptor that grants the subject everything.
func (w *twin) ceiling(d *sd.Descriptor, bit winnt.AccessMask) bool {
	if d == nil {
		return false
	}
	var list []sd.ACE
	give := func(s sid.SID) {
		if a, err := sd.NewACE(sd.AccessAllowed, 0, 0x1F01FF, s); err == nil {
			list = append(list, a)
		}
	}
	for _, g := range w.token().Groups() {
		give(g.SID)
	}
	give(w.token().User().SID)
	for _, g := range w.token().Restricted() {
		give(g.SID)
	}
	give(w.token().Package())
	give(sid.AllRestrictedAppPackages)
	acl, _ := sd.NewACL(list...)
	open := sd.New(sd.Parts{Owner: d.Owner(), Group: d.Group(), SACL: d.SACL(), DACL: acl})
	dec, err := access.SeAccessCheck(&access.Request{Descriptor: open, Subject: w.r.Subject, Desired: bit,
		Type: winnt.FileObject, Options: w.f.Policy.Access})
	return err == nil && dec.Allowed()
}

// intentBit reports whether the object's ceiling allows a bit that intent grants.
func (w *twin) intentBit(d *sd.Descriptor, bit winnt.AccessMask) bool {
	if d == nil {
		return !w.f.Object.Exists
	}
	a, _ := sd.NewACE(sd.AccessDenied, 0, 0x1F01FF, sid.OwnerRights)
	acl, _ := sd.NewACL(a)
	shut := sd.New(sd.Parts{Owner: d.Owner(), Group: d.Group(), SACL: d.SACL(), DACL: acl})
	dec, err := access.SeAccessCheck(&access.Request{Descriptor: shut, Subject: w.r.Subject, Desired: bit,
		Type: winnt.FileObject, Intent: access.Intent{Backup: true, Restore: true}, Options: w.f.Policy.Access})
	return err == nil && dec.Allowed()
}

func (w *twin) shareMax() winnt.AccessMask {
	if w.r.Face != fileaccess.SMB || w.f.Share == nil {
		return 0xFFFFFFFF
	}
	m, _ := w.can(w.f.Share.Descriptor, 0x1F01FF)
	return m
}

// decide follows section 4.
func (w *twin) decide() (a twinAnswer) {
	r, f := w.r, w.f
	if w.token() == nil {
		a.status = ntstatus.NoToken
		return
	}
	if r.Subject.Client != nil && r.Subject.Level < winnt.SecurityImpersonation {
		a.status = ntstatus.BadImpersonationLevel
		return
	}
	requested := r.Desired
	// The observed profile ignores generic execute next to MAXIMUM_ALLOWED (F-102).
	if f.Policy.Profile == fileaccess.Observed && requested&twinMax != 0 {
		requested &^= 0x20000000
	}
	q := twinOpen{desired: winnt.FileObject.Mapping.Map(requested), options: r.Options, shareMax: w.shareMax(),
		parent: f.Parent}
	if a.status = w.face(&q); a.status != 0 {
		return
	}
	if a.status = w.parameters(&q); a.status != 0 {
		return
	}
	if a.status = w.privileges(&q, &a); a.status != 0 {
		return
	}
	if q.options&0x2000 != 0 {
		q.parent = nil
	} else if a.status = w.walk(q.pre); a.status != 0 {
		return
	}
	q.restores = w.has(restore) && (f.Policy.Profile == fileaccess.Documented || q.options&0x4000 != 0)
	if !f.Object.Exists {
		w.create(&a, &q)
	} else {
		w.existing(&a, &q)
		w.hide(&a)
	}
	return
}

// twinOpen holds the state that the steps share.
type twinOpen struct {
	desired, pre, shareMax winnt.AccessMask
	options                fileaccess.CreateOptions
	parent                 *fileaccess.Directory
	restores               bool
}

// face applies F-5 to F-7 and F-90.
func (w *twin) face(q *twinOpen) ntstatus.Status {
	r, f := w.r, w.f
	if r.Face == fileaccess.Win32 {
		q.desired |= 0x100080
		if q.options&fileaccess.DeleteOnClose != 0 {
			q.desired |= 0x10000
		}
	}
	if r.Face != fileaccess.SMB {
		return 0
	}
	gate := f.Share != nil && !f.Share.NoGate
	if q.shareMax == 0 || gate && q.options&fileaccess.DeleteOnClose != 0 && q.shareMax&0x10000 == 0 || q.desired == 0 {
		return denied
	}
	d := q.desired &^ twinSACL
	if d == 0 {
		return denied
	}
	if gate && d&^twinMax&^q.shareMax != 0 {
		if f.Share.ABE && r.Disposition == fileaccess.FileOpen {
			return ntstatus.ObjectNameNotFound
		}
		return denied
	}
	q.options &^= 0x30
	if q.options&fileaccess.NoIntermediateBuffering != 0 {
		q.desired &^= 4
	}
	return 0
}

// parameters applies F-10 to F-14.
func (w *twin) parameters(q *twinOpen) ntstatus.Status {
	r, options, desired := w.r, q.options, q.desired
	dirOpt, nonDir := options&1 != 0, options&0x40 != 0
	switch {
	case r.Attributes&^0x7FB7 != 0, options&^0xFFFFFF != 0, r.Disposition > 5, r.Share > 7,
		options&0x30 != 0 && desired&0x100000 == 0, options&0x30 == 0x30,
		options&0x1000 != 0 && desired&0x10000 == 0,
		dirOpt && !nonDir && r.Disposition != 2 && r.Disposition != 1 && r.Disposition != 3,
		dirOpt && !nonDir && options&8 != 0,
		options&8 != 0 && desired&4 != 0:
		return invalid
	case desired == 0, desired&0x0CE0FE00 != 0:
		return denied
	case dirOpt && nonDir:
		return invalid
	case options&0x2000 == 0 && strings.HasSuffix(r.Name, `\`) && nonDir:
		return ntstatus.ObjectNameInvalid
	case w.f.ReadOnlyVolume && r.Disposition != 1 && r.Disposition != 3:
		return protected
	}
	return 0
}

// privileges applies F-20 and F-15.
func (w *twin) privileges(q *twinOpen, a *twinAnswer) ntstatus.Status {
	if q.options&0x4000 != 0 {
		if d := w.r.Disposition; d == 1 || d == 3 || d == 5 {
			w.intent(q, a, backup, 0x011200A9)
		}
		w.intent(q, a, restore, 0x011F0116)
	}
	if q.desired&twinSACL&^q.pre != 0 {
		if !w.has(security) {
			return notHeld
		}
		a.used |= security.Bit()
	}
	return 0
}

func (w *twin) intent(q *twinOpen, a *twinAnswer, p winnt.Privilege, m winnt.AccessMask) {
	if !w.has(p) {
		return
	}
	for i := range 32 {
		bit := winnt.AccessMask(1) << i
		if m&^q.pre&bit == 0 || q.desired&(bit|twinMax) == 0 {
			continue
		}
		a.used |= p.Bit()
		if !w.f.Object.Exists || w.intentBit(w.f.Object.Descriptor, bit) {
			q.pre |= bit
		}
	}
}

func (w *twin) walk(pre winnt.AccessMask) ntstatus.Status {
	for _, c := range w.f.Path {
		if c.BadStream {
			return ntstatus.ObjectNameInvalid
		}
		if !c.Exists || !c.IsDirectory {
			return ntstatus.ObjectPathNotFound
		}
		passes := w.f.Policy.Traverse == fileaccess.TraverseNever || pre&0x20 != 0 ||
			w.f.Policy.Traverse == fileaccess.TraversePrivilege && w.has(winnt.SeChangeNotifyPrivilege)
		if !passes {
			passes, _ = w.single(c.Descriptor, 0x20)
		}
		if !passes {
			return denied
		}
		if c.DeletePending {
			return ntstatus.DeletePending
		}
		if c.SymbolicLink {
			return ntstatus.StoppedOnSymlink
		}
	}
	return 0
}

func (w *twin) create(a *twinAnswer, q *twinOpen) {
	r, desired, options, shareMax := w.r, q.desired, q.options, q.shareMax
	dir := options&1 != 0
	right := winnt.AccessMask(2)
	if dir {
		right = 4
	}
	switch {
	case r.Disposition == 1 || r.Disposition == 4:
		a.status = notFound
		return
	case w.f.ReadOnlyVolume:
		a.status = protected
		return
	case dir && r.Attributes&0x100 != 0:
		a.status = invalid
		return
	case r.Attributes&1 != 0 && options&0x1000 != 0:
		a.status = cannot
		return
	}
	allowed := q.pre&right != 0
	if !allowed && q.parent != nil {
		allowed, _ = w.single(q.parent.Descriptor, right)
	}
	if !allowed && q.restores {
		allowed = true
		a.used |= restore.Bit()
	}
	if !allowed || shareMax&right == 0 {
		a.status = denied
		return
	}
	a.granted = desired
	if desired&twinMax != 0 {
		a.granted = desired&^twinMax | 0x1F01FF
	}
	a.granted &= shareMax | twinSACL
	if a.granted == 0 {
		a.status = denied
		return
	}
	a.action, a.made = fileaccess.Created, true
}

func (w *twin) existing(a *twinAnswer, q *twinOpen) {
	if a.status = w.collides(q); a.status != 0 {
		return
	}
	if a.status = w.imply(a); a.status != 0 {
		return
	}
	r, ob := w.r, &w.f.Object
	remaining, granted := q.desired&^q.pre, q.pre
	if q.restores { // F-34
		granted |= a.implied
		if a.implied&^q.pre != 0 {
			a.used |= restore.Bit()
		}
	} else {
		remaining |= a.implied
	}
	ro := ob.Attributes&1 != 0
	if ro && !ob.IsDirectory && ((q.desired|a.implied)&6 != 0 || r.Disposition == 0) { // F-38
		a.status = denied
		return
	}
	if q.options&0x1000 != 0 && (ro || w.f.ReadOnlyVolume) { // F-39
		a.status = cannot
		return
	}
	isMax := q.desired&twinMax != 0
	checked := w.check(a, remaining&^twinMax, isMax)
	granted |= checked
	if isMax && (ro && !ob.IsDirectory || w.f.ReadOnlyVolume) { // F-41
		granted &^= 0x46
	}
	via := w.viaParent(q.parent, ob.Descriptor, remaining, isMax)
	granted |= via
	if remaining&^granted&^twinMax != 0 || granted == 0 { // F-44
		a.status = denied
		return
	}
	for i := range 32 { // F-36
		bit := winnt.AccessMask(1) << i
		if w.f.Policy.Profile == fileaccess.Observed && a.implied&bit != 0 && q.desired&bit == 0 &&
			!(isMax && (checked|q.pre|via)&bit != 0) {
			granted &^= bit
		}
	}
	if a.implied&^(q.shareMax|twinSACL) != 0 || granted&(q.shareMax|twinSACL) == 0 { // F-8
		a.status = denied
		return
	}
	if w.exclusive(a, q.parent, q.options); a.status != 0 {
		return
	}
	a.granted = granted & (q.shareMax | twinSACL)
	if r.Maximal {
		a.max = w.maximal(q.parent, q.shareMax)
	}
}

// collides applies F-27 to F-29.
func (w *twin) collides(q *twinOpen) ntstatus.Status {
	r, ob, options := w.r, &w.f.Object, q.options
	dirOpen := ob.IsDirectory && !ob.Stream
	switch {
	case options&1 != 0 && !dirOpen && r.Disposition == 2:
		return collision
	case options&1 != 0 && !dirOpen:
		return ntstatus.NotADirectory
	case options&0x40 != 0 && dirOpen:
		return ntstatus.FileIsADirectory
	case ob.ReparseTag != 0 && options&0x200000 == 0 && r.Face != fileaccess.SMB:
		return ntstatus.Reparse
	case ob.ReparseTag == 0xA000000C && options&0x200000 == 0:
		return ntstatus.StoppedOnSymlink
	case dirOpen && r.Disposition != 1 && r.Disposition != 3 && ob.VolumeRoot:
		return denied
	case dirOpen && r.Disposition != 1 && r.Disposition != 3:
		return collision
	case !dirOpen && r.Disposition == 2 && !(ob.Stream && !ob.StreamExists):
		return collision
	}
	return 0
}

// imply applies F-35 and the table of F-33: by disposition, for the unnamed stream, an existing stream, and a missing
// one.
func (w *twin) imply(a *twinAnswer) ntstatus.Status {
	r, ob := w.r, &w.f.Object
	implied := map[fileaccess.Disposition][3]winnt.AccessMask{3: {0, 0, 2}, 4: {0x112, 2, 0}, 5: {0x112, 2, 2},
		0: {0x10110, 0x10000, 2}, 2: {0, 0, 2}}[r.Disposition]
	a.action = map[fileaccess.Disposition]fileaccess.Action{0: fileaccess.Superseded, 1: fileaccess.Opened,
		3: fileaccess.Opened, 4: fileaccess.Overwritten, 5: fileaccess.Overwritten}[r.Disposition]
	switch {
	case !ob.Stream:
		replaces := r.Disposition == 0 || r.Disposition == 4 || r.Disposition == 5
		if replaces && (ob.Attributes&2 != 0 && r.Attributes&2 == 0 || ob.Attributes&4 != 0 && r.Attributes&4 == 0) {
			return denied
		}
		a.implied = implied[0]
	case ob.StreamExists:
		a.implied = implied[1]
	case r.Disposition == 1 || r.Disposition == 4:
		return notFound
	case w.f.ReadOnlyVolume:
		return protected
	default:
		a.implied = implied[2]
		a.action = fileaccess.Created
	}
	return 0
}

// check implements F-40 and F-41. It records the privileges that the request used.
func (w *twin) check(a *twinAnswer, ask winnt.AccessMask, isMax bool) (checked winnt.AccessMask) {
	d := w.f.Object.Descriptor
	if !isMax {
		checked, u := w.can(d, ask)
		a.used |= u
		return checked
	}
	for i := range 32 {
		bit := winnt.AccessMask(1) << i
		if (0x1F01FF|ask)&bit == 0 {
			continue
		}
		ok, u := w.single(d, bit)
		if bit == winnt.WRITE_OWNER && ask&bit == 0 && u != 0 {
			// only a privilege granted it, and it was not requested: use the descriptor
			dec, _ := access.SeAccessCheck(&access.Request{Descriptor: d, Subject: w.r.Subject, Desired: twinMax,
				Type: winnt.FileObject, Policies: w.f.Policy.Central, Options: w.f.Policy.Access})
			ok, u = dec.Granted&bit != 0, 0
		}
		if ask&bit != 0 {
			a.used |= u
		}
		if ok {
			checked |= bit
		}
	}
	return checked
}

func (w *twin) viaParent(parent *fileaccess.Directory, d *sd.Descriptor, remaining winnt.AccessMask,
	isMax bool) (m winnt.AccessMask) {
	if parent == nil {
		return 0
	}
	// F-42
	if ok, _ := w.single(parent.Descriptor, 0x40); ok && (remaining&0x10000 != 0 || isMax) && w.ceiling(d, 0x10000) {
		m |= 0x10000
	}
	if ok, _ := w.single(parent.Descriptor, 1); ok && (remaining&0x80 != 0 || isMax) && w.ceiling(d, 0x80) { // F-43
		m |= 0x80
	}
	return m
}

func (w *twin) exclusive(a *twinAnswer, parent *fileaccess.Directory, options fileaccess.CreateOptions) {
	ob := &w.f.Object
	if w.r.Share&1 != 0 {
		return
	}
	dirOpen := ob.IsDirectory && !ob.Stream
	writes := false
	if dirOpen && !ob.OtherOpens {
		m, _ := w.can(ob.Descriptor, 0x120116)
		writes = m == 0x120116
	} else if parent != nil {
		writes, _ = w.single(parent.Descriptor, 2)
	}
	switch {
	case writes:
	case dirOpen && options&0x20000 != 0:
		a.status = denied
	default:
		a.force = true
	}
}

// maximal implements F-45 for an existing file.
func (w *twin) maximal(parent *fileaccess.Directory, shareMax winnt.AccessMask) fileaccess.MaximalAccess {
	ob := &w.f.Object
	if w.r.MaximalTime != 0 && w.r.MaximalTime == ob.ChangeTime {
		return fileaccess.MaximalAccess{Verdict: ntstatus.Decided(ntstatus.NoneMapped)}
	}
	var m winnt.AccessMask
	if ob.Descriptor != nil {
		dec, _ := access.SeAccessCheck(&access.Request{Descriptor: ob.Descriptor, Subject: w.r.Subject,
			Desired: twinMax, Type: winnt.FileObject, Policies: w.f.Policy.Central, Options: w.f.Policy.Access})
		m = dec.Granted & 0x1F01FF
	}
	m |= w.viaParent(parent, ob.Descriptor, 0, true)
	if m &= shareMax; m == 0 {
		return fileaccess.MaximalAccess{Verdict: ntstatus.Decided(denied)}
	}
	return fileaccess.MaximalAccess{Access: m, Verdict: ntstatus.Decided(ntstatus.Success)}
}

// hide implements F-73.
func (w *twin) hide(a *twinAnswer) {
	if !w.f.Policy.HideDenied || w.f.Share == nil || !w.f.Share.ABE {
		return
	}
	switch a.status {
	case denied, collision, ntstatus.NotADirectory, ntstatus.FileIsADirectory, ntstatus.CannotDelete:
	default:
		return
	}
	m, _ := w.can(w.f.Object.Descriptor, 0x120089)
	s, _ := w.can(w.f.Share.Descriptor, 0x1F01FF)
	if m == 0x120089 && s&0x120089 == 0x120089 {
		return
	}
	a.status = notFound
	if w.r.Disposition == fileaccess.FileCreate {
		a.status = denied
	}
}
