package gateway

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	api "github.com/refmon/refmon/server/gateway/refmonv1"
	"github.com/refmon/refmon/winnt"
)

// consoleData returns the data of a console page for a client.
func (w *exactly) consoleData(q *request, path string) any {
	w.Helper()
	u := check.Must(url.Parse(path))
	for _, p := range consolePages {
		if p.path == u.Path {
			return p.gather(q, &http.Request{URL: u})
		}
	}
	w.Fatalf("no page %s", path)
	return nil
}

// TestConsoleHidesDeniedObjects checks all console data for a client: trees, descriptors, rights and access checks.
// Denied and hidden objects show their fixed texts and nothing else (G-8, G-25).
func TestConsoleHidesDeniedObjects(t *testing.T) {
	w := newExactly(t, shared)
	w.folder("dir", shared)
	w.file("dir/a& b", "x", "O:BAG:SYD:(A;;FR;;;{bob})")
	w.file("dir/hers", "x", own)
	w.folder("shut", "O:BAG:SYD:(A;;0x20080;;;{bob})")
	w.folder("deep", own)
	w.folder("deep/in", own)
	bob, alice := w.sids["bob"].String(), w.sids["alice"].String()
	text := "O:BAG:SYD:P(A;OICI;FA;;;" + alice + ")(A;OICI;0x1200a9;;;" + bob + ")"
	grant := func(s, name string, mask winnt.AccessMask) *api.Grant {
		return &api.Grant{Sid: s, Name: name, Granted: rights(mask)}
	}
	who := []*api.Grant{grant("S-1-5-32-544", `BUILTIN\Administrators`, 0x60000), grant(alice, `HOST\alice`, 0x1f01ff),
		grant(bob, `HOST\bob`, 0x1200a9)}
	trees := []string{"share"}
	const noPath, noName = "give a path in a tree, such as /projects/plans",
		"no such name, or you may not see it"
	for path, want := range map[string]any{
		"/tree":                  treeData{Trees: trees},
		"/tree?path=/":           treeData{Trees: trees, Path: "/", Problem: noPath},
		"/tree?path=x":           treeData{Trees: trees, Path: "x", Problem: noPath},
		"/tree?path=/share/none": treeData{Trees: trees, Path: "/share/none", Problem: noName},
		"/tree?path=/share/deep/": treeData{Trees: trees, Path: "/share/deep/", Up: "/tree?path=%2Fshare", SDDL: noControl,
			Unlisted: "you may not list it"},
		"/tree?path=/share/deep/in": treeData{Trees: trees, Path: "/share/deep/in", Problem: noName},
		"/tree?path=/share/shut": treeData{Trees: trees, Path: "/share/shut", Up: "/tree?path=%2Fshare",
			SDDL: "O:BAG:SYD:(A;;LORC;;;" + bob + ")", Who: []*api.Grant{who[0], grant(bob, `HOST\bob`, 0x20080)},
			Unlisted: "you may not list it"},
		"/tree?path=/share/dir/hers": treeData{Trees: trees, Path: "/share/dir/hers", Up: "/tree?path=%2Fshare%2Fdir",
			SDDL: noControl},
		"/tree?path=/share": treeData{Trees: trees, Path: "/share", SDDL: text, Who: who, Files: []treeLine{
			{"deep", "/tree?path=%2Fshare%2Fdeep", "—"}, {"dir", "/tree?path=%2Fshare%2Fdir", text},
			{"shut", "/tree?path=%2Fshare%2Fshut", "O:BAG:SYD:(A;;LORC;;;" + bob + ")"}}},
		"/tree?path=/share/dir": treeData{Trees: trees, Path: "/share/dir", Up: "/tree?path=%2Fshare", SDDL: text, Who: who,
			Files: []treeLine{{"a& b", "/tree?path=%2Fshare%2Fdir%2Fa%26+b", "O:BAG:SYD:(A;;FR;;;" + bob + ")"},
				{"hers", "/tree?path=%2Fshare%2Fdir%2Fhers", "—"}}},
		"/why": whyData{Rights: formRights},
		"/why?path=/share/dir&right=DELETE&account=mallory": whyData{Path: "/share/dir", Account: "mallory", Right: "DELETE",
			Rights: formRights, Problem: "account: STATUS_LOGON_FAILURE"},
		"/why?path=/share/none&right=DELETE": whyData{Path: "/share/none", Right: "DELETE", Rights: formRights,
			Problem: "STATUS_OBJECT_NAME_NOT_FOUND"},
		"/why?path=/share/none": whyData{Path: "/share/none", Rights: formRights,
			Problem: "choose the right to check; MAXIMUM_ALLOWED requests all available rights"},
		"/token?process=x": tokenData{Of: "the token of this request", Process: "x",
			Problem: "give the number of a process in the list of sessions"},
		"/token?process=4294967296": tokenData{Of: "the token of this request", Process: "4294967296",
			Problem: "give the number of a process in the list of sessions"},
		"/token?process=4": tokenData{Of: "the token of process 4", Process: "4", Problem: "STATUS_ACCESS_DENIED"},
	} {
		got := w.consoleData(w.newRequest("bob"), path)
		check.That(t, fmt.Sprintf("%+v", got) == fmt.Sprintf("%+v", want), "%s shows\n%+v, want\n%+v", path, got, want)
		w.checkClean(path)
	}
	d, _ := w.consoleData(w.newRequest("bob"), "/why?path=/share/dir&right=GENERIC_READ&account=alice").(whyData)
	if !d.Asked || !d.Allowed || d.Status != "STATUS_SUCCESS" || !strings.Contains(d.Text, "entry 1 of the DACL allows") ||
		!reflect.DeepEqual(d.Granted, rights(0x120089).GetNames()) || d.Problem != "" || d.Account != "alice" {
		t.Errorf("why: %+v", d)
	}
	d, _ = w.consoleData(w.newRequest("bob"), "/why?path=/share/dir&right=WRITE_DAC").(whyData)
	if !d.Asked || d.Allowed || d.Status != "STATUS_ACCESS_DENIED" || !strings.Contains(d.Text, "WRITE_DAC") ||
		!reflect.DeepEqual(d.Granted, rights(0x1200a9).GetNames()) {
		t.Errorf("why not: %+v", d)
	}
	crowd := "O:BAG:SYD:P(A;;RCFR;;;{bob})"
	for i := range mostAccounts - 1 {
		crowd += fmt.Sprintf("(A;;FR;;;S-1-5-21-1-1-1-%d)", i)
	}
	w.file("crowd", "x", crowd)
	all, _ := w.consoleData(w.newRequest("bob"), "/tree?path=/share/crowd").(treeData)
	check.That(t, len(all.Who) == mostAccounts && all.MoreWho, "%d of 101 accounts, more %t", len(all.Who), all.MoreWho)
	w.folder("many", shared)
	write(t, filepath.Join(w.root, "many", uploadPrefix+"x"), nil) // sorted last: an unfinished upload (G-11)
	for i := range mostDescriptors + 2 {
		if i >= mostDescriptors {
			many, _ := w.consoleData(w.newRequest("bob"), "/tree?path=/share/many").(treeData)
			check.That(t, len(many.Files) == mostDescriptors && many.More == (i > mostDescriptors),
				"a folder with %d files: %d on the page, more %t", i, len(many.Files), many.More)
		}
		write(t, filepath.Join(w.root, "many", fmt.Sprint("+", i)), nil)
	}
	// No name fits into the memory of one user, or both names without a descriptor (G-57).
	for most, want := range map[int64]string{0: "service unavailable (STATUS_INSUFFICIENT_RESOURCES)",
		2*2*(entryBytes+4) + 1: noMemory} {
		w.g.memory = newMemory(most)
		got := w.askOf(w.g.Console(), "bob", http.MethodGet, "/tree?path=/share/dir", "")
		check.That(t, strings.Contains(got, "not show all names of the folder: "+want+"</p>"), "G-57: %s, want %q", got, want)
	}
}

// TestTreePageReadsEachDescriptorOnce checks that an entry whose descriptor the client may not read costs no more
// messages to refmond than a readable one. A search for its name in the directory would make the page quadratic.
func TestTreePageReadsEachDescriptorOnce(t *testing.T) {
	w := newWorld(t, shared)
	w.folder("readable", shared)
	w.file("readable/f", "x", shared)
	w.folder("denied", shared)
	w.file("denied/f", "x", own)
	w.must(w.g.Close())
	var left atomic.Int64
	w.g = w.newGateway(func(c net.Conn) net.Conn { return intruder{c, &left, func() {}} })
	page := func(path string) int64 {
		before := left.Load()
		got := w.onConsole("bob", http.MethodGet, "/tree?path=/share/"+path, "")
		check.That(t, got.Code == 200 && strings.Contains(got.Body.String(), ">f</a>"), "%s: %s", path, got.Body)
		return before - left.Load()
	}
	page("readable") // the logon
	denied, readable := page("denied"), page("readable")
	check.That(t, denied <= readable, "%d messages for a denied descriptor, %d for a readable one", denied, readable)
}

const noControl = "(the descriptor is visible only with READ_CONTROL)"
