package hostfs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// counting counts the files of a tree that were found without a look at their directories.
type counting struct {
	*Tree
	found int
}

func (c *counting) FindDirect(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, bool) {
	p, ok := c.Tree.FindDirect(r, start)
	if ok {
		c.found++
	}
	return p, ok
}

// An open is answered alike whether or not a look at the directory is put off until the file's
// own descriptor refuses, for drawn descriptors of both and drawn requests (F-181).
func TestDirectDecidesAlike(t *testing.T) {
	w := newWorld(t)
	tree := &counting{Tree: w.tree}
	w.must(w.sys.AddTree("direct", tree))
	w.must(w.sys.AddTree("whole", struct{ nt.FileSystem }{w.tree}))
	rng := rand.New(rand.NewPCG(randtest.Seed(t), 181))
	draw := func() string {
		text := "O:BAG:SYD:P"
		for range 1 + rng.IntN(3) {
			text += fmt.Sprintf("(%s;;0x%x;;;%s)", []string{"A", "A", "A", "D"}[rng.IntN(4)], rng.Uint32()&0x1f01ff,
				[]string{alice, bob, "WD", staff}[rng.IntN(4)])
		}
		return text
	}
	threads := []*nt.Thread{w.as(alice), w.as(bob, winnt.SeBackupPrivilege)}
	count := map[bool]int{}
	for i := range 60 {
		d := fmt.Sprint("d", i)
		w.dir(d, draw())
		w.file(d+`\f`, "x", draw())
		for range 40 {
			in := nt.CreateFileIn{DesiredAccess: winnt.AccessMask(1<<rng.IntN(9) | 1<<(16+rng.IntN(4))),
				CreateDisposition: winnt.FILE_OPEN, ShareAccess: []uint32{shareAll, shareAll, 0}[rng.IntN(3)]}
			in.CreateOptions = uint32([]fileaccess.CreateOptions{0, 0, fileaccess.OpenForBackupIntent,
				fileaccess.DirectoryFile}[rng.IntN(4)])
			if rng.IntN(3) == 0 {
				in.DesiredAccess = 1 << rng.IntN(9)
			}
			name := d + []string{`\f`, `\f`, `\f`, `\none`, `\f\none`, `\f\`}[rng.IntN(6)]
			th := threads[rng.IntN(2)]
			var got [2]string
			for j, at := range []string{"direct", "whole"} {
				in.ObjectAttributes = nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\` + at + `\` + name})
				h, action, st := th.NtCreateFile(in)
				got[j] = fmt.Sprint(st, action)
				if st == ntstatus.Success {
					info, st := th.NtQueryObject(h, nt.ObjectBasicInformation)
					got[j] += fmt.Sprint(info.(nt.BasicInformation).GrantedAccess, st)
					w.want(th.NtClose(h), ntstatus.Success)
				}
				count[st == ntstatus.Success]++
			}
			if got[0] != got[1] {
				t.Fatalf("F-181: %s with %#x: %s, and with a look at the directory %s", name, in.DesiredAccess, got[0], got[1])
			}
		}
	}
	if count[true] < 200 || count[false] < 200 || tree.found < 100 {
		t.Errorf("F-181: granted and refused %v, %d found without: too few", count, tree.found)
	}
}

// What was opened without a look at its directory shares modes, a name and its end with other
// opens; in a directory that is to go nothing is opened that way either (F-181, F-116, F-117).
func TestDirectAndOthers(t *testing.T) {
	w := newWorld(t)
	th := w.as(bob)
	const full = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	w.dir("d", full)
	w.file(`d\f`, "x", full)
	reader := w.open(th, `d\f`, winnt.FILE_READ_DATA, ntstatus.Success)
	w.create(th, `d\f`, call{desired: winnt.FILE_WRITE_DATA, disposition: fileaccess.FileOpen, exclusive: true},
		ntstatus.SharingViolation)
	mover := w.open(th, `d\f`, winnt.DELETE, ntstatus.Success)
	w.want(th.NtSetInformationFile(mover, nt.FileRenameInformation, nt.FileRename{FileName: `\??\share\d\g`}),
		ntstatus.Success)
	again := w.open(th, `d\g`, winnt.FILE_READ_DATA, ntstatus.Success)
	for _, h := range []winnt.Handle{reader, mover, again} {
		of, _, done, st := w.sys.TreeFile(th, h)
		w.want(st, ntstatus.Success)
		if l := of.(*file).linkNow(); l.path != `d\g` || l.users != 3 || l.dir < 0 {
			t.Errorf("F-181: %+v, want one link of three opens", l)
		}
		done()
	}
	w.want(th.NtSetInformationFile(mover, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true}),
		ntstatus.Success)
	w.open(th, `d\g`, winnt.FILE_READ_DATA, ntstatus.DeletePending)
	for _, h := range []winnt.Handle{mover, reader, again} {
		w.exists(`d\g`, true)
		w.want(th.NtClose(h), ntstatus.Success)
	}
	w.exists(`d\g`, false)
	gone := w.open(th, "d", winnt.DELETE, ntstatus.Success)
	w.want(th.NtSetInformationFile(gone, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true}),
		ntstatus.Success)
	w.file(`d\late`, "x", full) // by another program
	w.open(th, `d\late`, winnt.FILE_READ_DATA, ntstatus.DeletePending)
	w.must(os.Remove(w.path(`d\late`)))
	w.want(th.NtClose(gone), ntstatus.Success)
	w.exists("d", false)
	w.dir("d", full)
	w.file(`d\f`, "x", full)
	w.want(th.NtClose(w.open(th, `d\f`, winnt.FILE_READ_DATA, ntstatus.Success)), ntstatus.Success)
	w.tree.mu.Lock()
	defer w.tree.mu.Unlock()
	if w.tree.dooms != 0 {
		t.Errorf("F-181: %d names are to go", w.tree.dooms)
	}
}
