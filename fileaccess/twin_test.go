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

// single is an access check of one bit.
func (w *twin) single(d *sd.Descriptor, bit winnt.AccessMask) (bool, winnt.PrivilegeSet) {
	if d == nil {
		if bit == twinSACL {
			if w.has(winnt.SeSecurityPrivilege) {
				return true, winnt.SeSecurityPrivilege.Bit()
			}
			return false, 0
		}
		return true, 0
	}
	dec, err := access.SeAccessCheck(&access.Request{Descriptor: d, Subject: w.r.Subject, Desired: bit, Type: winnt.FileObject, Policies: w.f.Policy.Central, Options: w.f.Policy.Access})
	return err == nil && dec.Allowed(), dec.PrivilegesUsed
}

// can is F-2.
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

// ceiling asks whether the object's label, trust label and filters let a bit
// through, by a descriptor that gives the subject all of it.
func (w *twin) ceiling(d *sd.Descriptor, bit winnt.AccessMask) bool {
	if d == nil {
		return true
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
	dec, err := access.SeAccessCheck(&access.Request{Descriptor: open, Subject: w.r.Subject, Desired: bit, Type: winnt.FileObject, Options: w.f.Policy.Access})
	return err == nil && dec.Allowed()
}

// intentBit asks whether a bit granted by intent passes the object's ceiling.
func (w *twin) intentBit(d *sd.Descriptor, bit winnt.AccessMask) bool {
	if d == nil {
		return true
	}
	a, _ := sd.NewACE(sd.AccessDenied, 0, 0x1F01FF, sid.OwnerRights)
	acl, _ := sd.NewACL(a)
	shut := sd.New(sd.Parts{Owner: d.Owner(), Group: d.Group(), SACL: d.SACL(), DACL: acl})
	dec, err := access.SeAccessCheck(&access.Request{Descriptor: shut, Subject: w.r.Subject, Desired: bit, Type: winnt.FileObject, Intent: access.Intent{Backup: true, Restore: true}, Options: w.f.Policy.Access})
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
	desired := winnt.FileObject.Mapping.Map(r.Desired)
	options := r.Options
	shareMax := w.shareMax()
	if r.Face == fileaccess.SMB {
		gate := f.Share != nil && !f.Share.NoGate
		if shareMax == 0 || gate && options&fileaccess.DeleteOnClose != 0 && shareMax&0x10000 == 0 || desired == 0 {
			a.status = denied
			return
		}
		d := desired &^ twinSACL
		if d == 0 {
			a.status = denied
			return
		}
		if gate && d&^twinMax&^shareMax != 0 {
			a.status = denied
			if f.Share.ABE && r.Disposition == fileaccess.FileOpen {
				a.status = ntstatus.ObjectNameNotFound
			}
			return
		}
		options &^= 0x30
		if options&fileaccess.NoIntermediateBuffering != 0 {
			desired &^= 4
		}
	}
	if r.Face == fileaccess.Win32 {
		desired |= 0x100080
		if options&fileaccess.DeleteOnClose != 0 {
			desired |= 0x10000
		}
	}
	// F-10
	dirOpt, nonDir := options&1 != 0, options&0x40 != 0
	switch {
	case r.Attributes&^0x7FB7 != 0, options&^0xFFFFFF != 0, r.Disposition > 5, r.Share > 7,
		options&0x30 != 0 && desired&0x100000 == 0, options&0x30 == 0x30,
		options&0x1000 != 0 && desired&0x10000 == 0,
		dirOpt && !nonDir && r.Disposition != 2 && r.Disposition != 1 && r.Disposition != 3,
		dirOpt && !nonDir && options&8 != 0,
		options&8 != 0 && desired&4 != 0:
		a.status = invalid
		return
	}
	// F-11, F-12, F-13, F-14
	switch {
	case desired == 0, desired&0x0CE0FE00 != 0:
		a.status = denied
		return
	case dirOpt && nonDir:
		a.status = invalid
		return
	case options&0x2000 == 0 && strings.HasSuffix(r.Name, `\`) && nonDir:
		a.status = ntstatus.ObjectNameInvalid
		return
	case f.ReadOnlyVolume && r.Disposition != 1 && r.Disposition != 3:
		a.status = protected
		return
	}
	// F-20, F-15
	var pre winnt.AccessMask
	if options&0x4000 != 0 {
		want := desired
		if desired&twinMax != 0 {
			want = 0xFFFFFFFF
		}
		grant := func(p winnt.Privilege, m winnt.AccessMask) {
			if !w.has(p) {
				return
			}
			for i := range 32 {
				bit := winnt.AccessMask(1) << i
				if m&want&^pre&bit == 0 {
					continue
				}
				a.used |= p.Bit()
				if !f.Object.Exists || w.intentBit(f.Object.Descriptor, bit) {
					pre |= bit
				}
			}
		}
		if r.Disposition == 1 || r.Disposition == 3 || r.Disposition == 5 {
			grant(backup, 0x011200A9)
		}
		grant(restore, 0x011F0116)
	}
	if desired&twinSACL&^pre != 0 {
		if !w.has(security) {
			a.status = notHeld
			return
		}
		a.used |= security.Bit()
	}
	parent := f.Parent
	if options&0x2000 != 0 {
		parent = nil
	} else if a.status = w.walk(pre); a.status != 0 {
		return
	}
	restores := w.has(restore) && (f.Policy.Profile == fileaccess.Documented || options&0x4000 != 0)
	if !f.Object.Exists {
		w.create(&a, desired, pre, parent, options, restores, shareMax)
	} else {
		w.existing(&a, desired, pre, parent, options, restores, shareMax)
		w.hide(&a, shareMax)
	}
	return
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

func (w *twin) create(a *twinAnswer, desired, pre winnt.AccessMask, parent *fileaccess.Directory, options fileaccess.CreateOptions, restores bool, shareMax winnt.AccessMask) {
	r := w.r
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
	allowed := pre&right != 0
	if !allowed && parent != nil {
		allowed, _ = w.single(parent.Descriptor, right)
	}
	if !allowed && restores {
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

func (w *twin) existing(a *twinAnswer, desired, pre winnt.AccessMask, parent *fileaccess.Directory, options fileaccess.CreateOptions, restores bool, shareMax winnt.AccessMask) {
	r, ob := w.r, &w.f.Object
	dirOpen := ob.IsDirectory && !ob.Stream
	fail := func(st ntstatus.Status) { a.status = st }
	switch { // F-27, F-28, F-29
	case options&1 != 0 && !dirOpen && r.Disposition == 2:
		fail(collision)
		return
	case options&1 != 0 && !dirOpen:
		fail(ntstatus.NotADirectory)
		return
	case options&0x40 != 0 && dirOpen:
		fail(ntstatus.FileIsADirectory)
		return
	case ob.ReparseTag != 0 && options&0x200000 == 0 && r.Face != fileaccess.SMB:
		fail(ntstatus.Reparse)
		return
	case ob.ReparseTag == 0xA000000C && options&0x200000 == 0:
		fail(ntstatus.StoppedOnSymlink)
		return
	case dirOpen && r.Disposition != 1 && r.Disposition != 3 && ob.VolumeRoot:
		fail(denied)
		return
	case dirOpen && r.Disposition != 1 && r.Disposition != 3:
		fail(collision)
		return
	case !dirOpen && r.Disposition == 2 && !(ob.Stream && !ob.StreamExists):
		fail(collision)
		return
	}
	// F-33: by disposition, the unnamed stream, a stream that exists, one that does not.
	implied := map[fileaccess.Disposition][3]winnt.AccessMask{
		3: {0, 0, 2}, 4: {0x112, 2, 0}, 5: {0x112, 2, 2}, 0: {0x10110, 0x10000, 2}, 2: {0, 0, 2},
	}[r.Disposition]
	a.action = map[fileaccess.Disposition]fileaccess.Action{0: fileaccess.Superseded, 1: fileaccess.Opened, 3: fileaccess.Opened, 4: fileaccess.Overwritten, 5: fileaccess.Overwritten}[r.Disposition]
	switch {
	case !ob.Stream:
		replaces := r.Disposition == 0 || r.Disposition == 4 || r.Disposition == 5
		if replaces && (ob.Attributes&2 != 0 && r.Attributes&2 == 0 || ob.Attributes&4 != 0 && r.Attributes&4 == 0) { // F-35
			fail(denied)
			return
		}
		a.implied = implied[0]
	case ob.StreamExists:
		a.implied = implied[1]
	case r.Disposition == 1 || r.Disposition == 4:
		fail(notFound)
		return
	case w.f.ReadOnlyVolume:
		fail(protected)
		return
	default:
		a.implied = implied[2]
		a.action = fileaccess.Created
	}
	remaining := desired &^ pre
	granted := pre
	var unchecked winnt.AccessMask
	if restores {
		unchecked = a.implied
		granted |= unchecked
		if a.implied&^pre != 0 {
			a.used |= restore.Bit()
		}
	} else {
		remaining |= a.implied
	}
	ro := ob.Attributes&1 != 0
	if ro && !ob.IsDirectory && ((desired|a.implied)&6 != 0 || r.Disposition == 0) { // F-38
		fail(denied)
		return
	}
	if options&0x1000 != 0 && (ro || w.f.ReadOnlyVolume) { // F-39
		fail(cannot)
		return
	}
	isMax := desired&twinMax != 0
	ask := remaining &^ twinMax
	var checked winnt.AccessMask
	if isMax { // F-41
		for i := range 32 {
			bit := winnt.AccessMask(1) << i
			if (0x1F01FF|ask)&bit == 0 {
				continue
			}
			ok, u := w.single(ob.Descriptor, bit)
			if bit == winnt.WRITE_OWNER && ask&bit == 0 && u != 0 {
				// only a privilege gave it, and it was not asked for: does the descriptor?
				dec, _ := access.SeAccessCheck(&access.Request{Descriptor: ob.Descriptor, Subject: w.r.Subject, Desired: twinMax, Type: winnt.FileObject, Policies: w.f.Policy.Central, Options: w.f.Policy.Access})
				ok, u = dec.Granted&bit != 0, 0
			}
			if ask&bit != 0 {
				a.used |= u
			}
			if ok {
				checked |= bit
			}
		}
	} else {
		var u winnt.PrivilegeSet
		checked, u = w.can(ob.Descriptor, ask)
		a.used |= u
	}
	granted |= checked
	if isMax && (ro && !ob.IsDirectory || w.f.ReadOnlyVolume) {
		granted &^= 0x46
	}
	via := w.viaParent(parent, ob.Descriptor, remaining, isMax)
	granted |= via
	if remaining&^granted&^twinMax != 0 || granted == 0 { // F-44
		fail(denied)
		return
	}
	if w.f.Policy.Profile == fileaccess.Observed { // F-36
		for i := range 32 {
			bit := winnt.AccessMask(1) << i
			if a.implied&bit != 0 && desired&bit == 0 && !(isMax && (checked|pre|via)&bit != 0) {
				granted &^= bit
			}
		}
	}
	// F-8
	if a.implied&^(shareMax|twinSACL) != 0 {
		fail(denied)
		return
	}
	if granted &= shareMax | twinSACL; granted == 0 {
		fail(denied)
		return
	}
	w.exclusive(a, parent, options)
	if a.status != 0 {
		return
	}
	a.granted = granted
	if r.Maximal {
		a.max = w.maximal(parent, shareMax)
	}
}

func (w *twin) viaParent(parent *fileaccess.Directory, d *sd.Descriptor, remaining winnt.AccessMask, isMax bool) (m winnt.AccessMask) {
	if parent == nil {
		return 0
	}
	if ok, _ := w.single(parent.Descriptor, 0x40); ok && (remaining&0x10000 != 0 || isMax) && w.ceiling(d, 0x10000) { // F-42
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

// maximal is F-45 for what exists.
func (w *twin) maximal(parent *fileaccess.Directory, shareMax winnt.AccessMask) fileaccess.MaximalAccess {
	ob := &w.f.Object
	if w.r.MaximalTime != 0 && w.r.MaximalTime == ob.ChangeTime {
		return fileaccess.MaximalAccess{Status: ntstatus.NoneMapped}
	}
	var m winnt.AccessMask
	if ob.Descriptor == nil {
		m = 0x1F01FF
	} else {
		dec, _ := access.SeAccessCheck(&access.Request{Descriptor: ob.Descriptor, Subject: w.r.Subject, Desired: twinMax, Type: winnt.FileObject, Policies: w.f.Policy.Central, Options: w.f.Policy.Access})
		m = dec.Granted & 0x1F01FF
	}
	m |= w.viaParent(parent, ob.Descriptor, 0, true)
	if m &= shareMax; m == 0 {
		return fileaccess.MaximalAccess{Status: denied}
	}
	return fileaccess.MaximalAccess{Access: m}
}

// hide is F-73.
func (w *twin) hide(a *twinAnswer, shareMax winnt.AccessMask) {
	if !w.f.Policy.HideDenied || w.f.Share == nil || !w.f.Share.ABE {
		return
	}
	switch a.status {
	case denied, collision, ntstatus.NotADirectory, ntstatus.FileIsADirectory:
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
