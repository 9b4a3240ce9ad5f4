package gateway

import (
	"encoding/xml"
	"strings"
	"testing"
)

// found reads an answer of PROPFIND: the properties of each file by href, as
// "status name=value".
func found(t *testing.T, body string) map[string]map[string]string {
	t.Helper()
	var m struct {
		Responses []struct {
			Href  string `xml:"DAV: href"`
			Stats []struct {
				Status string `xml:"DAV: status"`
				Prop   struct {
					List []struct {
						XMLName xml.Name
						Inner   string `xml:",innerxml"`
					} `xml:",any"`
				} `xml:"DAV: prop"`
			} `xml:"DAV: propstat"`
		} `xml:"DAV: response"`
	}
	if err := xml.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	all := map[string]map[string]string{}
	for _, r := range m.Responses {
		all[r.Href] = map[string]string{}
		for _, s := range r.Stats {
			for _, p := range s.Prop.List {
				all[r.Href][p.XMLName.Local] = strings.Fields(s.Status)[1] + " " + p.Inner
			}
		}
	}
	return all
}

// asking writes the body of a PROPFIND for properties of DAV.
func asking(names ...string) string {
	return `<D:propfind xmlns:D="DAV:"><D:prop><D:` + strings.Join(names, `/><D:`) + `/></D:prop></D:propfind>`
}

// TestPropfind: a listing has what its client may know of; the list of trees has those that
// the client may look at (G-8, G-13).
func TestPropfind(t *testing.T) {
	w := newWorld(t, shared, func(c *Config) { c.Trees = []string{"share", "gone"} })
	w.file("a b.txt", "12345", shared)
	w.folder("dir", own)
	all := found(t, w.want(207, "bob", "PROPFIND", "/share/", "", "Depth", "1").body)
	if len(all) != 3 || all["/share/a%20b.txt"]["getcontentlength"] != "200 5" ||
		all["/share/dir/"]["resourcetype"] != "200 <D:collection/>" || all["/share/"]["displayname"] != "200 share" ||
		!strings.HasPrefix(all["/share/a%20b.txt"]["getetag"], "200 &#34;") {
		t.Errorf("%v", all)
	}
	if _, there := all["/share/"]["acl"]; there {
		t.Error("acl is part of allprop")
	}
	for user, want := range map[string]int{"bob": 2, "carol": 1} {
		if got := found(t, w.want(207, user, "PROPFIND", "/", "", "Depth", "1").body); len(got) != want {
			t.Errorf("G-13: %s is told of %v", user, got)
		}
	}
	if got := w.want(200, "carol", "GET", "/", ""); strings.Contains(got.body, "share") {
		t.Error("G-13: carol is told of a tree that she may not look at")
	}
	w.want(404, "carol", "PROPFIND", "/share/", "", "Depth", "0")
	if got := found(t, w.want(207, "bob", "PROPFIND", "/share/dir", "", "Depth", "1").body); len(got) != 1 {
		t.Errorf("bob lists a directory that he may not: %v", got)
	}
}

// TestAccessProperties: RFC 3744's properties say what refmond says, and are told to who may
// read the descriptor (G-9).
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
	// Of an entry with a condition it is told whose it is and whether it denies, and no privilege.
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
		t.Errorf("G-9: without READ_CONTROL: %v", f)
	}
	patch := `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:acl/></D:prop></D:set></D:propertyupdate>`
	if got := w.want(207, "alice", "PROPPATCH", "/share/f", patch); !strings.Contains(got.body, "403 Forbidden") {
		t.Errorf("acl can be set: %s", got.body)
	}
	got := w.want(403, "bob", "PUT", "/share/f", "x")
	if !strings.Contains(got.body, "<D:need-privileges><D:resource><D:href>/share/f</D:href><D:privilege>"+
		"<D:write-content/></D:privilege>") {
		t.Errorf("G-9: %s", got.body)
	}
}

// TestDelete: what could not be deleted is named, its parents are not (RFC 4918, 9.6.1), and
// the rest is gone.
func TestDelete(t *testing.T) {
	w := newWorld(t, shared)
	w.folder("top", "O:BAG:SYD:P(A;OICI;0x1301bf;;;{bob})")
	w.file("top/his", "x", "O:BAG:SYD:P(A;;FA;;;{bob})")
	w.folder("top/in", "O:BAG:SYD:P(A;OICI;0x1301bf;;;{bob})")
	w.file("top/in/hers", "x", own)
	got := w.want(207, "bob", "DELETE", "/share/top", "")
	if strings.Count(got.body, "<D:response>") != 1 || !strings.Contains(got.body,
		"<D:href>/share/top/in/hers</D:href><D:status>HTTP/1.1 403") || w.entries("top") != "in" {
		t.Errorf("%s; left is %q", got.body, w.entries("top"))
	}
	w.want(403, "bob", "DELETE", "/share/top/in/hers", "")
	w.want(404, "bob", "DELETE", "/share/none", "")
	w.want(403, "alice", "DELETE", "/share", "")
	w.want(403, "alice", "MOVE", "/share", "", "Destination", "/share/x")
}
