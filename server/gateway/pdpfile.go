package gateway

import (
	"net/url"
	"strings"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// inspected is the descriptor of a file and the attributes that decide about access, as the caller could read them.
type inspected struct {
	descriptor *sd.Descriptor
	readOnly   bool // the file has the attribute READONLY
	dir        bool
}

// fileQuestion is a question about a file: whether a subject could open it with a right.
type fileQuestion struct {
	*request
	who *session
	at  place
	of  inspected
}

// noSuchName is the reason of a denial for a missing file, and for one that the reader of the reason may not see.
const noSuchName = "no such name"

// fileAnswer decides whether the subject who could open a file with the rights of an action. An unknown action, path
// or file is a denial. Descriptors are read with the caller's rights, which need READ_CONTROL on the file (G-61). err
// means that refmond did not decide.
func (q *request) fileAnswer(who *session, ask *authzen.Question) (a authzen.Answer, err error) {
	masks := actionMasks(ask.Action.Name)
	if masks == nil {
		return denial("no right of a file has the name of the action: use read, write, modify, full, list, control, " +
			"or names such as DELETE and FILE_READ_DATA"), nil
	}
	at, slash, err := parsePlace(&url.URL{Path: ask.Resource.ID})
	if err != nil || at.tree == "" {
		return denial("the id is not a path such as /TREE/folder/file"), nil
	}
	f := &fileQuestion{request: q, who: who, at: at}
	var st ntstatus.Status
	if f.of, st = q.inspectFile(at); st != ntstatus.Success {
		return q.uninspected(st)
	}
	if slash && !f.of.dir {
		return q.uninspected(ntstatus.NotADirectory) // a file has no such name (G-10)
	}
	for _, mask := range masks {
		ok, st := f.opens(mask)
		if st != ntstatus.Success {
			return q.uninspected(st)
		}
		if ok {
			return authzen.Answer{Decision: true}, nil
		}
	}
	return f.denial(masks[0])
}

// uninspected returns the answer about a file that the caller could not inspect. st is the status of the inspection.
// The result is a denial, or an error if refmond did not try or st has no HTTP code below 500. uninspected first
// waits for a time step, because the answer may hide a name.
func (q *request) uninspected(st ntstatus.Status) (a authzen.Answer, err error) {
	level(q.ctx, q.begun, q.g.levels.name)
	switch code := codes[st]; {
	case untriedLogons[st] || code == 0 || code >= 500:
		return a, unavailable(st)
	case code == 404:
		return authzen.Answer{ReasonAdmin: noSuchName, ReasonUser: noSuchName}, nil
	}
	return authzen.Answer{ReasonAdmin: "the caller may not read the descriptor (" + st.String() + ")",
		ReasonUser: noSuchName}, nil
}

// actionMasks returns the access masks of the right with the action's name; one must be granted. actionMasks returns
// nil for a name that is not a single right of a file, such as MAXIMUM_ALLOWED (G-60) or KEY_SET_VALUE (B-91).
func actionMasks(name string) (masks []winnt.AccessMask) {
	rights, err := words.Parse(name)
	if err != nil || len(rights) != 1 || rights[0].Managed() || rights[0].CheckType(winnt.FileObject) != nil {
		return nil
	}
	for _, p := range rights[0].Parts(winnt.FileObject) {
		mask := winnt.FileObject.Mapping.Map(p.Mask)
		if mask == 0 || mask&(winnt.MAXIMUM_ALLOWED|winnt.ACCESS_SYSTEM_SECURITY) != 0 {
			return nil
		}
		masks = append(masks, mask)
	}
	if !rights[0].Any() && len(masks) > 1 {
		all := winnt.AccessMask(0)
		for _, m := range masks {
			all |= m
		}
		masks = []winnt.AccessMask{all}
	}
	return masks
}

// inspectFile reads the descriptor and attributes of a file with the rights of the caller. A file that the caller may
// not list has the status ObjectNameNotFound, as a missing one.
func (q *request) inspectFile(at place) (f inspected, st ntstatus.Status) {
	h, st := q.open(at, winnt.READ_CONTROL|winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		if refused := q.refusedAs(at, winnt.READ_CONTROL, st); refused.code == 404 {
			st = ntstatus.ObjectNameNotFound // a hidden file gets the answer of a missing one (G-8)
		}
		return f, st
	}
	st = q.s.p.do(q.ctx, func(th *nt.Thread) (st ntstatus.Status) {
		if f.descriptor, st = th.NtQuerySecurityObject(h, readableParts); st != ntstatus.Success {
			return st
		}
		basic, st := th.NtQueryInformationFile(h, nt.FileBasicInformation)
		b, ok := basic.(nt.FileBasic)
		if st == ntstatus.Success && !ok {
			st = ntstatus.Unsuccessful
		}
		f.dir = b.FileAttributes&fileaccess.AttributeDirectory != 0
		f.readOnly = !f.dir && b.FileAttributes&fileaccess.AttributeReadOnly != 0
		return st
	})
	q.s.release(h)
	if st == ntstatus.Success {
		f.descriptor = complete(f.descriptor)
	}
	return f, st
}

// opens reports whether the subject could open the file with the rights in mask. opens tests the path's directories,
// the read-only attribute, the descriptor, and what a directory grants on its entries (F-23, F-38, F-40, F-42, F-43).
// If a check does not complete, opens returns false and the status.
func (f *fileQuestion) opens(mask winnt.AccessMask) (bool, ntstatus.Status) {
	if ok, st := f.traverses(); !ok {
		return false, st
	}
	if f.of.readOnly && mask&(winnt.FILE_WRITE_DATA|winnt.FILE_APPEND_DATA) != 0 {
		return false, ntstatus.Success
	}
	ok, st := f.may(f.of.descriptor, mask)
	const parents = winnt.DELETE | winnt.FILE_READ_ATTRIBUTES
	if ok || st != ntstatus.Success || mask&parents == 0 || f.at.path == "" {
		return ok, st
	}
	if rest := mask &^ parents; rest != 0 {
		if ok, st := f.may(f.of.descriptor, rest); !ok {
			return false, st
		}
	}
	for _, by := range [...]struct{ right, parent winnt.AccessMask }{
		{winnt.DELETE, winnt.FILE_DELETE_CHILD}, {winnt.FILE_READ_ATTRIBUTES, winnt.FILE_LIST_DIRECTORY}} {
		if mask&by.right == 0 {
			continue
		}
		if ok, st := f.mayThrough(by.right, by.parent); !ok {
			return false, st
		}
	}
	return true, ntstatus.Success
}

// may checks the file's or a directory's descriptor d alone: it reports whether d grants all rights of mask to the
// subject. If refmond does not complete the check, it returns false and another status than Success.
func (f *fileQuestion) may(d *sd.Descriptor, mask winnt.AccessMask) (bool, ntstatus.Status) {
	return f.granted(d, f.who.token, mask, winnt.FileObject.Mapping)
}

// mayThrough reports whether the file or its directory grants the subject a right, such as deletion. right is checked
// on the file, and parent on the directory. The file's SACL limits both. A directory that the caller may not inspect
// grants nothing, with status Success.
func (f *fileQuestion) mayThrough(right, parent winnt.AccessMask) (bool, ntstatus.Status) {
	if ok, st := f.may(f.of.descriptor, right); ok || st != ntstatus.Success {
		return ok, st
	}
	above, _ := f.at.above()
	dir, st := f.inspectFile(above)
	if st != ntstatus.Success {
		return false, ntstatus.Success // a file that the caller may not inspect grants nothing (G-61)
	}
	if ok, st := f.may(dir.descriptor, parent); !ok {
		return false, st
	}
	return f.may(ceiling(f.of.descriptor), right)
}

// everybody is a list that grants everyone everything.
var everybody = func() *sd.ACL {
	a, err := sd.NewACE(sd.AccessAllowed, 0, fullRights, sid.Everyone)
	if err != nil {
		panic(err)
	}
	l, err := sd.NewACL(a)
	if err != nil {
		panic(err)
	}
	return l
}()

// ceiling returns a descriptor for testing what the SACL's labels alone allow: a copy of d that keeps the SACL and has
// a DACL that grants everyone everything.
func ceiling(d *sd.Descriptor) *sd.Descriptor {
	p := d.Parts()
	p.DACL = everybody
	p.Control |= sd.DACLPresent
	return sd.New(p)
}

// traverses reports whether the subject may pass all directories between the tree's root and the file. With
// SeChangeNotifyPrivilege it may. Otherwise it needs FILE_TRAVERSE on each, and one that the caller may not inspect
// stops it, with the status Success.
func (f *fileQuestion) traverses() (ok bool, st ntstatus.Status) {
	st = f.s.p.do(f.ctx, func(th *nt.Thread) (st ntstatus.Status) {
		_, ok, st = th.NtPrivilegeCheck(f.who.token, &nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{
			{LUID: winnt.LUID(winnt.SeChangeNotifyPrivilege)}}})
		return st
	})
	if ok || st != ntstatus.Success {
		return ok, st
	}
	parts := strings.Split(f.at.path, `\`)
	for i := 1; i < len(parts); i++ {
		dir, st := f.inspectFile(place{f.at.tree, strings.Join(parts[:i], `\`)})
		if st != ntstatus.Success {
			return false, ntstatus.Success // a file that the caller may not inspect grants nothing (G-61)
		}
		if ok, st := f.may(dir.descriptor, winnt.FILE_TRAVERSE); !ok {
			return false, st
		}
	}
	return true, ntstatus.Success
}

// denial returns a denial of the rights in mask, with its reasons. The caller's reason names the deciding entries.
// The user gets this reason only with READ_CONTROL on the file, and "no such name" for a file that the user may not
// see (G-65). err means that refmond could not answer.
func (f *fileQuestion) denial(mask winnt.AccessMask) (a authzen.Answer, err error) {
	a = denial("denied by the descriptor, an attribute of the file or a directory on the path")
	st := f.s.p.do(f.ctx, func(th *nt.Thread) ntstatus.Status {
		var seen reasons
		th.Trace(&seen)
		defer th.Trace(nil)
		_, st := th.NtAccessCheck(f.of.descriptor, f.who.token, mask, winnt.FileObject.Mapping)
		if text := authzen.Reason(seen.explanation, winnt.FileObject); text != "" {
			a.ReasonAdmin = text
		}
		return st
	})
	if st != ntstatus.Success {
		return a, unavailable(st)
	}
	may, st := f.may(f.of.descriptor, winnt.READ_CONTROL)
	if st != ntstatus.Success {
		return a, unavailable(st)
	}
	if may {
		a.ReasonUser = a.ReasonAdmin
		return a, nil
	}
	sees, st := f.sees()
	if st != ntstatus.Success {
		return a, unavailable(st)
	}
	if !sees {
		a.ReasonUser = noSuchName
	}
	return a, nil
}

// sees reports whether the subject may list the directory of the file. It returns false and success for the root of a
// tree, and if the directory cannot be inspected for any reason. A failed check returns its status.
func (f *fileQuestion) sees() (bool, ntstatus.Status) {
	if f.at.path == "" {
		return false, ntstatus.Success
	}
	above, _ := f.at.above()
	dir, st := f.inspectFile(above)
	if st != ntstatus.Success {
		return false, ntstatus.Success
	}
	return f.may(dir.descriptor, winnt.FILE_LIST_DIRECTORY)
}
