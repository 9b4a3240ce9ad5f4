package mount

import (
	"cmp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Denial is a request that failed with EACCES or EPERM because its user lacks a right.
type Denial struct {
	Time      time.Time
	UID       uint32
	Subject   access.Subject // zero if the user could not log on
	Operation string         // FUSE operation, such as OPEN
	Path      string         // path on the host, below the mount; "" if the request names none
	Errno     syscall.Errno
	Asked     winnt.AccessMask // the rights that the open in Open requested; 0 without one
	// Open explains the open that was refused, or one that fails for the reason of the request, by the descriptors as they
	// are after the request. It is nil if the request failed for another reason.
	Open *accessquery.Open
	// Reasons has a line for each entry, stage or directory that refused.
	Reasons []string
	// Suppressed is the number of the user's denials that were counted and not reported since the last report.
	Suppressed uint64
}

// Limits of reported denials, for each user.
const (
	denialBurst = 60           // denials reported without delay
	denialEvery = time.Second  // the time until one more denial may be reported
	maxDenied   = 1024         // users with a rate of their own; further users share one
	othersUID   = unattributed // the uid under which these further users are counted
	longestLine = 2000         // bytes of one reason
	mostReasons = 20           // reasons of one denial
)

// refusal is the reason why a worker's request is refused: the last refused open, or a text. The zero value has
// neither.
type refusal struct {
	path   string
	in     fileaccess.Request // without subject and name
	status ntstatus.Status
	// replaced is the path of an existing file that the request would replace. It is set only if the refused open was of
	// the directory, to add a name; otherwise "".
	replaced string
	why      string // the reason, if no open was refused
}

// refuse stores a text as the reason of a denial that no refused open explains, and returns EPERM.
func (t *worker) refuse(why string) fuse.Status {
	t.refused = refusal{why: why}
	return fuse.EPERM
}

// note remembers an open that failed for lack of a right, so that the denial can be explained. An open with any other
// status clears the stored one. Each open replaces the one before.
func (t *worker) note(path string, in *nt.CreateFileIn, st ntstatus.Status) {
	switch st {
	case ntstatus.AccessDenied, ntstatus.PrivilegeNotHeld, ntstatus.CannotDelete, ntstatus.MediaWriteProtected:
		t.refused = refusal{path: path, status: st, in: fileaccess.Request{Desired: in.DesiredAccess,
			Disposition: fileaccess.Disposition(in.CreateDisposition),
			Options:     fileaccess.CreateOptions(in.CreateOptions)}}
	default:
		t.refused = refusal{}
	}
}

// noteAdd remembers that the directory dir did not take a new name, for which right is needed. replaced is the path of
// the file that the request would replace, or "". The status is handled as in note.
func (t *worker) noteAdd(m *Mount, dir string, right winnt.AccessMask, replaced string, st ntstatus.Status) {
	t.noteFailed(m, dir, right, 0, st)
	t.refused.replaced = replaced
}

// deletion is an open that deletes a name. It fails for a read-only file, as a later request to delete does (F-39).
const deletion = fileaccess.DeleteOnClose | fileaccess.OpenReparsePoint

// noteFailed remembers a request that failed after its opens had succeeded. right and options are those of an open of
// path that would fail for the same reason. The status is handled as in note.
func (t *worker) noteFailed(m *Mount, path string, right winnt.AccessMask, options fileaccess.CreateOptions,
	st ntstatus.Status) {
	if m.backup {
		options |= fileaccess.OpenForBackupIntent
	}
	t.note(path, &nt.CreateFileIn{DesiredAccess: right, CreateDisposition: winnt.FILE_OPEN,
		CreateOptions: uint32(options)}, st)
}

// denialCounts counts the denials of each user and limits how many are explained and reported. It is safe for
// concurrent use.
type denialCounts struct {
	now func() time.Time // immutable

	mu sync.Mutex
	// +checklocks:mu
	users map[uint32]*deniedUser // guarded by mu
}

// deniedUser is the rate of one user. It is guarded by denialCounts.mu.
type deniedUser struct {
	total, suppressed uint64
	left              float64 // denials that may be reported now
	at                time.Time
}

// take counts a denial of a user, and reports whether the user's rate allows a report. suppressed is the number of
// denials since the last report, and 0 without a report. Beyond maxDenied users, further users share one rate (M-46).
func (d *denialCounts) take(uid uint32) (suppressed uint64, report bool) {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.users[uid]
	if u == nil && len(d.users) >= maxDenied {
		uid = othersUID // users beyond the limit share a rate
		u = d.users[uid]
	}
	if u == nil {
		u = &deniedUser{left: denialBurst, at: now}
		d.users[uid] = u
	}
	u.total++
	if passed := now.Sub(u.at); passed > 0 {
		u.left = min(denialBurst, u.left+float64(passed)/float64(denialEvery))
	}
	u.at = now
	if u.left < 1 {
		u.suppressed++
		return 0, false
	}
	u.left--
	suppressed, u.suppressed = u.suppressed, 0
	return suppressed, true
}

// refusedByHost ends the reason of a denial that the descriptors do not explain.
const refusedByHost = "the host refuses it to refmond: see ls -ld and lsattr -d for the path below the mount, " +
	"and the rights of refmond's process"

// isDenial reports whether a FUSE status means missing rights.
func isDenial(s fuse.Status) bool { return s == fuse.EACCES || s == fuse.EPERM }

// denied counts a denied request of an account and reports it, unless the user exceeds the rate. t is the request's
// thread, which still impersonates the user. After a refused logon t is nil. The report goes to Config.Denied and the
// log, but a refused logon is not logged again.
func (m *Mount) denied(h *fuse.InHeader, acc *account, t *worker, s fuse.Status) {
	// The rate bounds explanations, log lines and records of one user, and no other user waits for them (M-46).
	suppressed, report := m.denials.take(acc.payer)
	if !report {
		return
	}
	d := &Denial{Time: m.denials.now(), UID: h.Uid, Operation: operationName(h.Opcode), Errno: syscall.Errno(s),
		Suppressed: suppressed}
	if n := m.nodes.get(h.NodeId); n != nil {
		d.Path = m.hostPath(m.nodes.path(n, ""))
	}
	switch {
	case t == nil:
		d.Reasons = []string{"no logon: " + acc.err.Error()}
	case t.refused.status == ntstatus.Success:
		d.Subject = access.Subject{Primary: m.process.Object().Token(), Client: t.client,
			Level: winnt.SecurityImpersonation}
		d.Reasons = []string{cmp.Or(t.refused.why,
			"an open handle or the operation itself does not allow it, or "+refusedByHost)}
	default:
		m.explain(d, t)
	}
	if len(d.Reasons) > mostReasons {
		d.Reasons = append(d.Reasons[:mostReasons], "…")
	}
	for i, line := range d.Reasons {
		if len(line) > longestLine {
			d.Reasons[i] = strings.ToValidUTF8(line[:longestLine], "") + " …"
		}
	}
	if t != nil { // without a token the refused logon was logged already (M-23)
		m.log.Warn("denied", "uid", d.UID, "operation", d.Operation, "path", d.Path, "error", d.Errno.Error(),
			"asked", winnt.FileObject.Names(d.Asked),
			"because", strings.ReplaceAll(strings.Join(d.Reasons, "; "), "because ", ""), "unreported", d.Suppressed)
	}
	if m.report != nil {
		m.report(d)
	}
}

// explain fills in the path, requested rights and reasons of the open denied on thread t. explain decides the open
// again with the current descriptors. If the file is gone or the open would now succeed, a reason says so. If the
// directory takes the new name, explain continues with the deletion of the file that has it.
func (m *Mount) explain(d *Denial, t *worker) {
	r := t.refused.in
	r.Name = t.refused.path
	r.Subject = access.Subject{Primary: m.process.Object().Token(), Client: t.client,
		Level: winnt.SecurityImpersonation}
	d.Subject, d.Asked, d.Path = r.Subject, r.Desired, m.hostPath(r.Name)
	place, st := m.tree.Find(&r, nil)
	switch st {
	case ntstatus.Success:
	case ntstatus.AccessDenied:
		d.Reasons = []string{"because F-112 " + d.Path + ": a mount, subvolume, device, pipe, socket, or link without a " +
			"descriptor is no file of the tree; else " + refusedByHost}
		return
	default:
		d.Reasons = []string{"the name can no longer be opened: " + st.String()}
		return
	}
	defer place.Release()
	o := accessquery.ExplainOpen(&r, place.Facts())
	if replaced := t.refused.replaced; replaced != "" && o.Allowed() {
		t.refused = refusal{path: replaced, status: t.refused.status, in: fileaccess.Request{Desired: winnt.DELETE,
			Disposition: fileaccess.FileOpen, Options: r.Options | deletion}}
		m.explain(d, t)
		return
	}
	d.Open = &o
	// The deciding descriptor can be that of a traversed directory, or of the directory that takes a new name.
	name, object := r.Name, d.Path
	switch f := place.Facts(); {
	case o.Component >= 0:
		name = f.Path[o.Component].Name
		object = m.hostPath(name)
	case !f.Object.Exists && f.Parent != nil:
		name = f.Parent.Name
		object = m.hostPath(name)
	}
	var cause error
	if o.Check.Descriptor == nil {
		cause = m.cause(&r, name)
	}
	switch {
	case o.Allowed():
		d.Reasons = []string{"the descriptors grant it now: one has changed since, or " + refusedByHost}
	case o.Why != nil && !o.Why.Decision.Allowed():
		d.Reasons = calltext.Reasons(&nt.Call{Why: nt.Why{Object: object, Explanation: o.Why}})
	case cause != nil:
		// For an invalid stored descriptor the reason is its cause, with the command that repairs it (F-204).
		d.Reasons = []string{"because F-204 " + object + ": its stored descriptor is invalid: " +
			cause.Error()}
	case o.Check.Descriptor == nil:
		d.Reasons = []string{"because F-101 " + object + ": it has no descriptor, which grants nothing; root writes one" +
			" with refmon acl grant --offline PATH USER:full, on the path below the mount"}
	default:
		d.Reasons = []string{"because " + o.Rule + " " + object + ": " + o.Status().String()}
	}
	d.Reasons = append(d.Reasons, o.Limits(true)...)
}

// cause returns why the stored descriptor of the file or directory with this name is invalid, with the command that
// repairs it. It returns nil if the descriptor is valid, is missing or cannot be found.
func (m *Mount) cause(r *fileaccess.Request, name string) error {
	at := fileaccess.Request{Subject: r.Subject, Name: name, Desired: winnt.READ_CONTROL,
		Disposition: fileaccess.FileOpen,
		Options:     r.Options & (fileaccess.OpenForBackupIntent | fileaccess.OpenReparsePoint)}
	place, st := m.tree.Find(&at, nil)
	if st != ntstatus.Success {
		return nil
	}
	defer place.Release()
	if p, ok := place.(interface{ Cause() error }); ok {
		return p.Cause()
	}
	return nil
}

// hostPath returns the path on the host for a path below the tree's root. "" gives the mount's directory.
func (m *Mount) hostPath(path string) string {
	return strings.TrimSuffix(m.directory+"/"+strings.ReplaceAll(path, `\`, "/"), "/")
}
