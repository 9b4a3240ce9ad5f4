package gateway

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/winnt"
)

// TestPrivileges checks that a privilege of RFC 3744 is listed only if all its rights are granted,
// and is reported as missing otherwise: for random masks, and for each privilege's mask with one
// right less and with every other right.
func TestPrivileges(t *testing.T) {
	const dirOnly, never = 1, 2 // for directories only; never reported as missing
	list := []struct {
		name string
		mask winnt.AccessMask
		how  int
	}{
		{"D:read", 0x89, 0}, {"D:write", 0x116, never}, {"D:write-properties", 0x110, 0}, {"D:write-content", 0x6, 0},
		{"D:bind", 0x6, dirOnly}, {"D:unbind", 0x40, dirOnly}, {"D:unlock", 0x2, never}, {"D:read-acl", 0x20000, 0},
		{"D:write-acl", 0x40000, 0}, {"R:execute", 0x20, 0}, {"R:delete", 0x10000, 0}, {"R:write-owner", 0x80000, 0},
	}
	masks := []winnt.AccessMask{0, 0x1f01ff, 0x11f01ff, 0xffffffff, 0x1e01ff, 0x1f01fe, 0xf01ff}
	for _, p := range list {
		masks = append(masks, p.mask, ^p.mask, p.mask|0x100000)
	}
	for bit := range 32 {
		masks = append(masks, 1<<bit, ^winnt.AccessMask(1<<bit), 0x1f01ff&^(1<<bit), 0x1f01ff|1<<bit)
	}
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 3744))
	for range 1000 {
		masks = append(masks, winnt.AccessMask(rnd.Uint32())&0x1f01ff)
	}
	for _, mask := range masks {
		for _, dir := range []bool{false, true} {
			var want strings.Builder
			if mask&0x1f01ff == 0x1f01ff {
				want.WriteString("<D:privilege><D:all/></D:privilege>")
			}
			for _, p := range list {
				if mask|p.mask == mask && (dir || p.how != dirOnly) {
					fmt.Fprintf(&want, "<D:privilege><%s/></D:privilege>", p.name)
				}
			}
			var got strings.Builder
			if inPrivileges(&got, mask, dir); got.String() != want.String() {
				t.Errorf("%#x of a directory %t: %s, want %s", mask, dir, &got, &want)
			}
		}
		if mask>>28 != 0 {
			continue // generic rights stand for others
		}
		var want []string
		for _, p := range list {
			if mask&p.mask != 0 && p.how != never {
				want = append(want, p.name)
			}
		}
		if got := lackingPrivileges(mask); !slices.Equal(got, want) {
			t.Errorf("lackingPrivileges(%#x) = %q, want %q", mask, got, want)
		}
	}
	// GENERIC_READ of a file is 0x120089, GENERIC_WRITE 0x120116, GENERIC_EXECUTE 0x1200a0.
	for mask, want := range map[winnt.AccessMask]string{
		0x80000000: "D:read D:read-acl", 0x40000000: "D:write-properties D:write-content D:bind D:read-acl",
		0x20000000: "D:read D:read-acl R:execute", 0x80010000: "D:read D:read-acl R:delete",
	} {
		if got := strings.Join(lackingPrivileges(mask), " "); got != want {
			t.Errorf("lackingPrivileges(%#x) = %s, want %s", mask, got, want)
		}
	}
}

// asking writes the body of a PROPFIND for DAV properties.
func asking(names ...string) string {
	return `<D:propfind xmlns:D="DAV:"><D:prop><D:` + strings.Join(names, `/><D:`) + `/></D:prop></D:propfind>`
}

// TestAccessProperties checks that RFC 3744's properties agree with refmond and are shown only to
// users who may read the descriptor (G-9).
func TestAccessProperties(t *testing.T) {
	w := newWorld(t, shared)
	w.file("f", "f", "O:{alice}G:SYD:P(D;;WD;;;{bob})(A;;FA;;;{alice})(A;;FR;;;{bob})(A;;0x80;;;{carol})")
	body := asking("acl", "owner", "group", "current-user-privilege-set", "current-user-principal", "nonsense")
	f := found(t, w.want(207, "bob", "PROPFIND", "/share/f", body, "Depth", "0").body)["/share/f"]
	alice, bob := "<D:href>/principals/sid/"+w.sids["alice"].String()+"</D:href>",
		"<D:href>/principals/sid/"+w.sids["bob"].String()+"</D:href>"
	reading := "<D:privilege><D:read/></D:privilege><D:privilege><D:read-acl/></D:privilege>"
	if f["owner"] != "200 "+alice || f["group"] != "200 <D:href>/principals/sid/S-1-5-18</D:href>" ||
		f["current-user-principal"] != "200 "+bob || f["nonsense"] != "404 " ||
		f["current-user-privilege-set"] != "200 "+reading+
			"<D:privilege><D:read-current-user-privilege-set/></D:privilege>" {
		t.Errorf("%v", f)
	}
	want := "200 <D:ace><D:principal>" + bob + "</D:principal><D:deny><D:privilege><D:write-acl/></D:privilege>" +
		"</D:deny><D:protected/></D:ace><D:ace><D:principal>" + alice + "</D:principal><D:grant><D:privilege><D:all/>"
	end := bob + "</D:principal><D:grant>" + reading + "</D:grant><D:protected/></D:ace><D:ace><D:principal><D:href>" +
		"/principals/sid/" + w.sids["carol"].String() + "</D:href></D:principal><D:grant></D:grant><D:protected/></D:ace>"
	if !strings.HasPrefix(f["acl"], want) || !strings.HasSuffix(f["acl"], end) {
		t.Errorf("acl is\n%s", f["acl"])
	}
	// A conditional entry shows its SID and type, but no privilege.
	w.file("if", "if", `O:{alice}G:SYD:P(XD;;0x2;;;{bob};(@User.x==1))(XA;;FA;;;{carol};(@User.x==1))(A;;FR;;;{bob})`)
	f = found(t, w.want(207, "bob", "PROPFIND", "/share/if", asking("acl"), "Depth", "0").body)["/share/if"]
	conditional := "<D:privilege><R:conditional/></D:privilege>"
	want = "200 <D:ace><D:principal>" + bob + "</D:principal><D:deny>" + conditional + "</D:deny><D:protected/></D:ace>" +
		"<D:ace><D:principal><D:href>/principals/sid/" + w.sids["carol"].String() + "</D:href></D:principal><D:grant>" +
		conditional + "</D:grant><D:protected/></D:ace>"
	if !strings.HasPrefix(f["acl"], want) {
		t.Errorf("acl is\n%s, want\n%s", f["acl"], want)
	}
	f = found(t, w.want(207, "carol", "PROPFIND", "/share/f", body, "Depth", "0").body)["/share/f"]
	if f["acl"] != "403 " || f["owner"] != "403 " {
		t.Errorf(`G-9: without READ_CONTROL: %v, want f["acl"] = "403 ", f["owner"] = "403 "`, f)
	}
	patch := `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:acl/></D:prop></D:set></D:propertyupdate>`
	if got := w.want(207, "alice", "PROPPATCH", "/share/f", patch); !strings.Contains(got.body, "403 Forbidden") {
		t.Errorf(`acl can be set: %s, want text containing "403 Forbidden"`, got.body)
	}
	got := w.want(403, "bob", "PUT", "/share/f", "x")
	if !strings.Contains(got.body, "<D:need-privileges><D:resource><D:href>/share/f</D:href><D:privilege>"+
		"<D:write-content/></D:privilege>") {
		t.Errorf("G-9: %s", got.body)
	}
}
