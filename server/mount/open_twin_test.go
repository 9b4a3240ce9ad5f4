package mount

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// asked has opens with the rights that a file's descriptor must grant for each.
var asked = []struct {
	flags uint32
	want  winnt.AccessMask
}{
	{syscall.O_RDONLY, winnt.FILE_READ_DATA | winnt.SYNCHRONIZE},
	{syscall.O_WRONLY, winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.SYNCHRONIZE},
	{syscall.O_WRONLY | syscall.O_APPEND, winnt.FILE_APPEND_DATA | winnt.SYNCHRONIZE},
	{syscall.O_RDWR, winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.SYNCHRONIZE},
	{syscall.O_RDONLY | execFlag, winnt.FILE_READ_DATA | winnt.FILE_EXECUTE | winnt.SYNCHRONIZE},
}

// TestOpensMatchAccessChecks checks that opens through the mount succeed exactly if the access check of the user's
// token grants the rights, for random descriptors (M-1, M-13).
func TestOpensMatchAccessChecks(t *testing.T) {
	w := newWorld(t)
	rng := rand.New(rand.NewPCG(randtest.Seed(t), 1))
	granted := 0
	const files = 150
	for i := range files {
		name := fmt.Sprintf("f%d", i)
		text := "O:BAG:SYD:P" + entries(rng)
		w.file(name, "x", text)
		for _, uid := range []uint32{alice, bob, 0} {
			r := check.Must(people{}.LogOn(uid, uid))
			tok := check.Must(token.New(r.Token))
			node := w.known(uid, name)
			for _, q := range asked {
				d := check.Must(access.Check(tok, sddl.MustParse(text), q.want, winnt.FileObject))
				want := fuse.EACCES
				if d.Allowed() {
					want = fuse.OK
					granted++
				}
				var out fuse.OpenOut
				got := w.m.Open(nil, &fuse.OpenIn{InHeader: header(uid, node), Flags: q.flags}, &out)
				check.That(t, got == want,
					"uid %d opens %s with %#x: %v, want %v: %s", uid, name, q.flags, got, want, text)
				if got == fuse.OK {
					w.m.Release(nil, &fuse.ReleaseIn{Fh: out.Fh})
				}
			}
		}
	}
	if all := files * 3 * len(asked); granted < all/5 || granted > all*4/5 {
		t.Errorf("%d of %d opens are granted: the question is too easy", granted, all)
	}
}

// entries returns a random list of the rights that opens are about.
func entries(rng *rand.Rand) string {
	who := []string{user(alice), user(bob), "S-1-22-2-62001", "S-1-22-1-0", "WD", "AU", "AN", "BA"}
	masks := []string{"FA", "FR", "FW", "FX", "0x100001", "0x100004", "0x100006", "0x1200a9", "0x2", "0x20", "0x100000"}
	var b strings.Builder
	for range 1 + rng.IntN(5) {
		kind := "A"
		if rng.IntN(4) == 0 {
			kind = "D"
		}
		fmt.Fprintf(&b, "(%s;;%s;;;%s)", kind, masks[rng.IntN(len(masks))], who[rng.IntN(len(who))])
	}
	return b.String()
}
