package gateway

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestOpenAs: where the thread cannot act as a client, what its own account opened meanwhile is
// closed unseen, and it acts as its process afterwards (G-1, G-2).
func TestOpenAs(t *testing.T) {
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	w.file("f", "f", "O:BAG:SYD:P(A;;FA;;;WD)") // the gateway's account, too
	p, err := w.g.link.process()
	w.must(err)
	th, err := p.conn.NewThread()
	w.must(err)
	kept := w.now()
	q := &request{g: w.g}
	for _, tok := range []winnt.Handle{0x7770, winnt.NtCurrentProcess} {
		in := q.creation(place{tree: "share", path: "f"}, winnt.GENERIC_READ, winnt.FILE_OPEN, 0)
		o, st := p.conn.OpenFileAs(th, tok, in)
		if st == ntstatus.Success || o.FileHandle != 0 || o.File != nil || !o.Reverted {
			t.Errorf("with the token %#x: %+v, %v", tok, o, st)
		}
		in.CreateDisposition = winnt.FILE_OPEN_IF
		if _, st := p.conn.OpenFileAs(th, tok, in); st != ntstatus.InvalidParameter {
			t.Errorf("an open that makes files: %v", st)
		}
		in = q.creation(place{tree: "share", path: "f"}, winnt.DELETE, winnt.FILE_OPEN,
			uint32(fileaccess.DeleteOnClose))
		if _, st := p.conn.OpenFileAs(th, tok, in); st != ntstatus.InvalidParameter {
			t.Errorf("an open whose close deletes: %v", st)
		}
	}
	w.settles(kept)
	w.want(200, "alice", "GET", "/share/f", "")
}

// TestReadAsOfTwo: one thread reads for two clients by turns, and never as the other, nor as
// either afterwards (G-30).
func TestReadAsOfTwo(t *testing.T) {
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;SY)", func(c *Config) { c.Threads = 1 })
	for _, name := range []string{"alice", "bob"} {
		w.file(name, "of "+name, "O:BAG:SYD:P(A;;FA;;;{"+name+"})")
	}
	for range 3 {
		for _, who := range [][2]string{{"alice", "bob"}, {"bob", "alice"}} {
			if got := w.want(200, who[0], "GET", "/share/"+who[0], ""); got.body != "of "+who[0] {
				t.Errorf("%s reads %q", who[0], got.body)
			}
			w.want(404, who[0], "GET", "/share/"+who[1], "")
			if n := w.acting(); n != 0 {
				t.Errorf("G-30: %d threads act as %s", n, who[0])
			}
		}
	}
}

// TestTrailOfContents: the record of what a client read names the client and the gateway,
// whether it came with its open or by a descriptor (G-31).
func TestTrailOfContents(t *testing.T) {
	w := newWorld(t, shared)
	w.file("short", "f", shared)
	w.file("long", string(make([]byte, mostAtOnce+1)), shared)
	for _, name := range []string{"short", "long"} {
		w.sink.Drain()
		w.want(200, "alice", "GET", "/share/"+name, "")
		found := 0
		for _, e := range w.sink.Drain() {
			if object, _ := e.Field("ObjectName"); e.ID != 4663 || !strings.HasSuffix(object, name) {
				continue
			}
			found++
			user, _ := e.Field("SubjectUserSid")
			primary, _ := e.Field("PrimaryUserSid")
			if user != w.sids["alice"].String() || primary != "S-1-22-1-61010" {
				t.Errorf("G-31: %s is read by %s, for whom %s acts", name, user, primary)
			}
		}
		if found != 1 {
			t.Errorf("G-31: %s has %d records", name, found)
		}
	}
}
