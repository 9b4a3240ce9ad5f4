package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// made matches a file's creation time, which a test cannot predict. Files were written earlier, at moment.
var made = regexp.MustCompile(`<D:creationdate>20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ</D:creationdate>`)

// lockable is the property of supported locks.
const lockable = "<D:supportedlock><D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/>" +
	"</D:locktype></D:lockentry><D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/>" +
	"</D:locktype></D:lockentry></D:supportedlock>"

// multistatus returns the body of a PROPFIND response.
func multistatus(responses ...string) string {
	return answered(207, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
		`<D:multistatus xmlns:D="DAV:" xmlns:R="https://github.com/refmon/refmon/ns/rights">`+"\n"+
		strings.Join(responses, "")+"</D:multistatus>\n",
		"Content-Type: application/xml; charset=utf-8", "Cache-Control: no-store")
}

// response formats the response for one file: pairs of a status and properties.
func response(href string, stats ...string) string {
	var b strings.Builder
	b.WriteString("<D:response><D:href>" + href + "</D:href>")
	for i := 0; i < len(stats); i += 2 {
		prop := "<D:prop>" + stats[i+1] + "</D:prop>"
		if stats[i+1] == "" {
			prop = "<D:prop/>"
		}
		b.WriteString("<D:propstat>" + prop + "<D:status>HTTP/1.1 " + stats[i] + "</D:status></D:propstat>")
	}
	return b.String() + "</D:response>\n"
}

// aFile and aFolder return the properties that all clients request.
func aFile(name, kind string, size int, locks string) string {
	return fmt.Sprintf("<D:resourcetype></D:resourcetype><D:displayname>%s</D:displayname><D:getcontentlength>%d"+
		"</D:getcontentlength><D:getcontenttype>%s</D:getcontenttype><D:getetag>&#34;%s-%x&#34;</D:getetag>"+
		"<D:getlastmodified>Sat, 03 Feb 2001 04:05:06 GMT</D:getlastmodified><D:creationdate>made</D:creationdate>%s"+
		"<D:lockdiscovery>%s</D:lockdiscovery>", name, size, kind, momentTag, size, lockable, locks)
}

func aFolder(name string) string {
	return fmt.Sprintf("<D:resourcetype><D:collection/></D:resourcetype><D:displayname>%s</D:displayname>"+
		"<D:getlastmodified>Sat, 03 Feb 2001 04:05:06 GMT</D:getlastmodified><D:creationdate>made</D:creationdate>%s"+
		"<D:lockdiscovery></D:lockdiscovery>", name, lockable)
}

const (
	accessNames = "<D:acl></D:acl><D:current-user-principal></D:current-user-principal>" +
		"<D:current-user-privilege-set></D:current-user-privilege-set><D:group></D:group><D:owner></D:owner>" +
		"<D:principal-collection-set></D:principal-collection-set><D:quota-available-bytes></D:quota-available-bytes>" +
		"<D:quota-used-bytes></D:quota-used-bytes>"
	allNames = "<D:resourcetype></D:resourcetype><D:displayname></D:displayname>" +
		"<D:getcontentlength></D:getcontentlength>" +
		"<D:getcontenttype></D:getcontenttype><D:getetag></D:getetag><D:getlastmodified></D:getlastmodified>" +
		"<D:creationdate></D:creationdate><D:supportedlock></D:supportedlock><D:lockdiscovery></D:lockdiscovery>"
	finite = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>` + "\n"
)

// propfind returns the body of a PROPFIND.
func propfind(inner string) string { return `<D:propfind xmlns:D="DAV:">` + inner + `</D:propfind>` }

// find sends a PROPFIND.
func (w *exactly) find(user, path, depth, body string) string {
	w.Helper()
	got := w.ask(user, "PROPFIND", path, body, "Depth", depth)
	return made.ReplaceAllString(got, "<D:creationdate>made</D:creationdate>")
}

// TestPropfindListsPropertiesAtEachDepth checks complete PROPFIND responses for files and directories, for each depth
// and kind of request, and for clients that may list a directory, read a file's attributes, or
// neither (G-8, G-11, G-13, G-20).
func TestPropfindListsPropertiesAtEachDepth(t *testing.T) {
	w := newExactly(t, shared, func(c *Config) { c.Trees = []string{"share", "gone"} })
	w.file("dir/a & b.txt", "12345", shared)
	w.file("dir/hers", "123", own)
	w.file("dir/"+uploadPrefix+"x", "123", shared)
	w.folder("dir/in", own)
	w.folder("shut", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;;0x80;;;{bob})")
	w.file("shut/his", "1", "O:BAG:SYD:P(A;;0x80;;;{bob})")
	w.describe("dir", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;;0x81;;;{bob})(A;;0x1;;;{carol})")
	for _, name := range []string{"dir/a & b.txt", "dir/hers", "dir/in", "dir", "shut/his", "shut", ""} {
		w.setTime(name)
	}
	const ok, no, text = "200 OK", "404 Not Found", "text/plain; charset=utf-8"
	const bin = "application/octet-stream"
	file := response("/share/dir/a%20&amp;%20b.txt", ok, aFile("a &amp; b.txt", text, 5, ""))
	dir, in := response("/share/dir/", ok, aFolder("dir")), response("/share/dir/in/", ok, aFolder("in"))
	hers, shut := response("/share/dir/hers", ok, aFile("hers", bin, 3, "")), response("/share/shut/", ok,
		aFolder("shut"))
	tree := response("/share/", ok, aFolder("share"))
	root := response("/", ok, strings.NewReplacer("Sat, 03 Feb 2001 04:05:06", "Thu, 01 Jan 1970 00:00:00", "made",
		"1970-01-01T00:00:00Z").Replace(aFolder("/")))
	denied := answered(403, finite, "Cache-Control: no-store", "Content-Type: application/xml; charset=utf-8")
	const name = "<D:prop><D:displayname/></D:prop>"
	all := propfind("<D:allprop/>")
	for _, c := range []struct{ what, user, path, depth, body, want string }{
		{"a file", "bob", "/share/dir/a%20%26%20b.txt", "0", "", multistatus(file)},
		{"a file, deep", "bob", "/share/dir/a%20%26%20b.txt", "1", all, multistatus(file)},
		{"a folder", "bob", "/share/dir", "0", " \n", multistatus(dir)},
		{"the entries", "bob", "/share/dir/", "1", "", multistatus(dir, file, hers, in)},
		{"that alone", "bob", "/share/dir/", "1,noroot", "", multistatus(file, hers, in)},
		{"by who lists and no more", "carol", "/share/dir/hers", "0", "", multistatus(hers)},
		{"a folder that is not listed", "bob", "/share/shut/", "1", "", multistatus(shut)},
		{"a file in it", "bob", "/share/shut/his", "0", "", multistatus(response("/share/shut/his", ok, aFile("his", bin, 1,
			"")))},
		{"a free name in it", "bob", "/share/shut/none", "0", "", saysAbsent},
		{"the trees", "bob", "/", "1", "", multistatus(root, tree)},
		{"the trees of a user without access to any", "carol", "/", "1", "", multistatus(root)},
		{"above the trees", "carol", "/", "0", "", multistatus(root)},
		{"a hidden tree", "carol", "/share/", "0", "", saysAbsent},
		{"a tree that is not served", "bob", "/other", "0", "", saysAbsent},
		{"an upload", "bob", "/share/dir/" + uploadPrefix + "x", "0", "", saysAbsent},
		{"infinity", "bob", "/share/", "infinity", "", denied}, {"no depth", "bob", "/share/", "", "", denied},
		{"infinity of a file", "bob", "/share/dir/a%20%26%20b.txt", "infinity", "", multistatus(file)},
		{"infinity of an absent file", "bob", "/share/none", "infinity", "", saysAbsent},
		{"noroot of 0", "bob", "/share/", "0,noroot", "", inLine(400, "the header Depth must be 0 or 1")},
		{"one name", "bob", "/share/dir/", "1", propfind(name), multistatus(
			response("/share/dir/", ok, "<D:displayname>dir</D:displayname>"),
			response("/share/dir/a%20&amp;%20b.txt", ok, "<D:displayname>a &amp; b.txt</D:displayname>"),
			response("/share/dir/hers", ok, "<D:displayname>hers</D:displayname>"),
			response("/share/dir/in/", ok, "<D:displayname>in</D:displayname>"))},
		{"present and absent properties", "bob", "/share/dir/hers", "0",
			propfind(`<D:prop><D:none/><D:displayname/><x xmlns="urn:x&amp;y"/><D:getcontentlength/></D:prop>`),
			multistatus(response("/share/dir/hers", ok,
				"<D:displayname>hers</D:displayname><D:getcontentlength>3</D:getcontentlength>", no,
				`<D:none></D:none><x xmlns="urn:x&amp;y"></x>`))},
		{"a folder has no contents", "bob", "/share/dir/in", "0", propfind(`<D:prop><D:getetag/><D:getcontentlength/>` +
			`<D:getcontenttype/></D:prop>`), multistatus(response("/share/dir/in/", no,
			"<D:getetag></D:getetag><D:getcontentlength></D:getcontentlength><D:getcontenttype></D:getcontenttype>"))},
		{"names", "bob", "/share/dir/hers", "0", propfind("<D:propname/>"), multistatus(response("/share/dir/hers", ok,
			allNames+accessNames))},
		{"names above the trees", "bob", "/", "0", propfind("<D:propname/>"), multistatus(response("/", ok,
			"<D:resourcetype></D:resourcetype><D:displayname></D:displayname><D:getlastmodified></D:getlastmodified>"+
				"<D:creationdate></D:creationdate><D:supportedlock></D:supportedlock><D:lockdiscovery></D:lockdiscovery>"+
				"<D:current-user-principal></D:current-user-principal><D:current-user-privilege-set>"+
				"</D:current-user-privilege-set><D:principal-collection-set></D:principal-collection-set>"))},
		{"nothing", "bob", "/share/dir/hers", "0", propfind("<D:prop/>"), multistatus(response("/share/dir/hers", ok, ""))},
		{"all and more", "bob", "/share/dir/hers", "0", propfind("<D:allprop/><D:include><D:none/></D:include>"), multistatus(
			response("/share/dir/hers", ok, aFile("hers", bin, 3, ""), no, "<D:none></D:none>"))},
		{"names, and include counts not", "bob", "/share/dir/hers", "0",
			propfind("<D:propname/><D:include><D:acl/></D:include>"), multistatus(response("/share/dir/hers", ok,
				allNames+accessNames))},
		{"none of three", "bob", "/share/dir/hers", "0", propfind(""), noXML},
	} {
		w.diff(c.what, w.find(c.user, c.path, c.depth, c.body), c.want)
	}
	// A client that may only list a folder gets a file's listed attributes, but not under the
	// file's own URL.
	w.describe("dir", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;;0x1;;;{bob})")
	w.diff("listed alone", w.find("bob", "/share/dir/hers", "0", ""), multistatus(hers))
	w.diff("listed folder", w.find("bob", "/share/dir/in", "1", ""), multistatus(in))
	w.diff("G-20: too many names", w.fillFolder(), inLine(507, "the folder has too many members to list"))
}

// fillFolder lists a directory with one file more than the limit of a response.
func (w *exactly) fillFolder() string {
	w.Helper()
	w.g.dav.MostListed = 1
	defer func() { w.g.dav.MostListed = mostListed }()
	return w.find("alice", "/share/dir", "1", "")
}

// TestAccessPropertiesFollowRFC3744 checks all of RFC 3744's properties: each kind of principal and entry,
// the privileges of a file and a directory, a client that may not read the descriptor, and a
// missing DACL (G-9).
func TestAccessPropertiesFollowRFC3744(t *testing.T) {
	w := newExactly(t, shared)
	alice, bob, carol := w.href("alice"), w.href("bob"), w.href("carol")
	w.file("f", "f", "O:{alice}G:{carol}D:P(D;;WD;;;{bob})(A;;FA;;;{alice})(A;IO;FA;;;{carol})(A;ID;FX;;;AU)(A;;SD;;;OW)"+
		"(D;ID;WO;;;PS)(A;;0x2;;;WD)(XA;;FA;;;{carol};(@User.x==1))(XD;;FA;;;{carol};(@User.x==1))(A;;FR;;;{bob})"+
		"(A;;GR;;;{carol})(OA;;FR;;;{carol})")
	w.folder("d", "O:{alice}G:SYD:P(A;;0x1301ff;;;{bob})(A;;0x6;;;{carol})(A;;0x40;;;WD)")
	w.file("null", "f", "O:{alice}G:SYD:NO_ACCESS_CONTROL")
	w.file("ownerless", "f", "D:(A;;FA;;;WD)")
	w.file("shut", "f", "O:{alice}G:SYD:P")
	const ok, denied = "200 OK", "403 Forbidden"
	ace := func(who, kind, privileges, more string) string {
		for _, p := range strings.Fields(privileges) {
			more = strings.Replace(more, "|", "<D:privilege><"+p+"/></D:privilege>|", 1)
		}
		inner, end, _ := strings.Cut(more, "|")
		return "<D:ace><D:principal>" + who + "</D:principal><D:" + kind + ">" + inner + "</D:" + kind +
			"><D:protected/>" + end +
			"</D:ace>"
	}
	const inherited = "|<D:inherited><D:href>/share/</D:href></D:inherited>"
	everyone := "<D:href>/principals/sid/S-1-1-0</D:href>"
	read := "D:read D:read-acl"
	full := "D:all D:read D:write D:write-properties D:write-content D:unlock D:read-acl D:write-acl R:execute " +
		"R:delete R:write-owner"
	acl := "<D:acl>" + ace(bob, "deny", "D:write-acl", "|") + ace(alice, "grant", full, "|") +
		ace("<D:authenticated/>", "grant", "D:read-acl R:execute", inherited) +
		ace("<D:property><D:owner/></D:property>", "grant", "R:delete", "|") +
		ace("<D:self/>", "deny", "R:write-owner", inherited) + ace(everyone, "grant", "D:unlock", "|") +
		ace(carol, "grant", "R:conditional", "|") + ace(carol, "deny", "R:conditional", "|") + ace(bob, "grant", read,
		"|") +
		ace(carol, "grant", read, "|") + "</D:acl>"
	own := func(privileges string) string {
		var b strings.Builder
		for _, p := range strings.Fields(privileges + " D:read-current-user-privilege-set") {
			b.WriteString("<D:privilege><" + p + "/></D:privilege>")
		}
		return "<D:current-user-privilege-set>" + b.String() + "</D:current-user-privilege-set>"
	}
	folder := "<D:acl>" + ace(bob, "grant",
		"D:read D:write D:write-properties D:write-content D:bind D:unbind D:unlock D:read-acl R:execute R:delete",
		"|") + ace(carol, "grant", "D:write-content D:bind D:unlock", "|") +
		ace(everyone, "grant", "D:unbind", "|") + "</D:acl>"
	ask := propfind("<D:prop><D:acl/><D:owner/><D:group/></D:prop>")
	principals := func(owner, group string) string {
		return "<D:owner>" + owner + "</D:owner><D:group>" + group + "</D:group>"
	}
	system := "<D:href>/principals/sid/S-1-5-18</D:href>"
	mine := propfind(
		"<D:prop><D:current-user-privilege-set/><D:current-user-principal/><D:principal-collection-set/></D:prop>")
	who := func(user string) string {
		return "<D:current-user-principal>" + user + "</D:current-user-principal><D:principal-collection-set>" +
			"<D:href>/principals/</D:href></D:principal-collection-set>"
	}
	for _, c := range []struct{ what, user, path, body, want string }{
		{"a file's list", "bob", "/share/f", ask, response("/share/f", ok, acl+principals(alice, carol))},
		{"a folder's list", "bob", "/share/d", ask, response("/share/d/", ok, folder+principals(alice, system))},
		{"no list", "bob", "/share/null", ask, response("/share/null", ok,
			"<D:acl><D:ace><D:principal><D:all/></D:principal>"+
				"<D:grant><D:privilege><D:all/></D:privilege></D:grant><D:protected/></D:ace></D:acl>"+principals(alice,
				system))},
		{"an empty list", "alice", "/share/shut", ask, response("/share/shut", ok, "<D:acl></D:acl>"+principals(alice,
			system))},
		{"no owner", "bob", "/share/ownerless", propfind("<D:prop><D:owner/><D:group/></D:prop>"),
			response("/share/ownerless", ok, principals("", ""))},
		{"without READ_CONTROL", "bob", "/share/g", ask, response("/share/g", denied,
			"<D:acl></D:acl><D:owner></D:owner><D:group></D:group>")},
		{"the root", "bob", "/", ask, response("/", "404 Not Found",
			"<D:acl></D:acl><D:owner></D:owner><D:group></D:group>")},
		{"a tree's root", "bob", "/share/", propfind("<D:prop><D:owner/><D:group/></D:prop>"), response("/share/", ok,
			principals("<D:href>/principals/sid/S-1-5-32-544</D:href>", system))},
		{"what bob may", "bob", "/share/f", mine, response("/share/f", ok, own("D:read D:unlock D:read-acl R:execute")+
			who(bob))},
		{"what alice may", "alice", "/share/f", mine, response("/share/f", ok, own(full)+who(alice))},
		{"what bob may in a folder", "bob", "/share/d", mine, response("/share/d/", ok, own(
			"D:read D:write D:write-properties D:write-content D:bind D:unbind D:unlock D:read-acl R:execute R:delete")+
			who(bob))},
		{"what may be had of no list", "bob", "/share/null", mine, response("/share/null", ok, own(full)+who(bob))},
		{"what bob may of what he sees alone", "bob", "/share/g", mine, response("/share/g", ok, own("")+who(bob))},
		{"what bob may at the root", "bob", "/", mine, response("/", ok,
			"<D:current-user-privilege-set><D:privilege><D:read/></D:privilege></D:current-user-privilege-set>"+who(bob))},
	} {
		if c.path == "/share/g" {
			w.file("g", "g", "O:{alice}G:SYD:P(A;;FA;;;{alice})")
		}
		w.diff(c.what, w.find(c.user, c.path, "0", c.body), multistatus(c.want))
	}
}

// href formats an account.
func (w *exactly) href(user string) string {
	return "<D:href>/principals/sid/" + w.sids[user].String() + "</D:href>"
}

// TestQuotaReportsFreeAndUsedSpace checks the available and used space of the tree's file system (RFC 4331). The list
// of trees has none.
func TestQuotaReportsFreeAndUsedSpace(t *testing.T) {
	w := newExactly(t, shared)
	w.file("f", "f", shared)
	ask := propfind("<D:prop><D:quota-available-bytes/><D:quota-used-bytes/></D:prop>")
	w.diff("above the trees", w.find("bob", "/", "0", ask), multistatus(response("/", "404 Not Found",
		"<D:quota-available-bytes></D:quota-available-bytes><D:quota-used-bytes></D:quota-used-bytes>")))
	got := w.find("bob", "/share/f", "0", ask)
	var s unix.Statfs_t
	w.must(unix.Statfs(filepath.Join(w.root, "f"), &s))
	var free, used int64
	for name, to := range map[string]*int64{"available": &free, "used": &used} {
		_, text, _ := strings.Cut(got, "<D:quota-"+name+"-bytes>")
		check.Require(t, check.Err(fmt.Sscan(strings.SplitN(text, "<", 2)[0], to)), nil, "%s", got)
	}
	w.diff("the space", got, multistatus(response("/share/f", "200 OK",
		fmt.Sprintf("<D:quota-available-bytes>%d</D:quota-available-bytes><D:quota-used-bytes>%d</D:quota-used-bytes>",
			free, used))))
	near := func(got int64, blocks uint64) bool { // other programs may write at the same time
		want, all := int64(blocks)*s.Frsize, int64(s.Blocks)*s.Frsize
		return max(got-want, want-got) <= all/64
	}
	check.That(t, near(free, s.Bavail) && near(used, s.Blocks-s.Bfree),
		"%d are free and %d used, of %+v", free, used, s)
}

// TestFolderHasNoTagOrType checks that no entity tag and no media type describe a folder.
func TestFolderHasNoTagOrType(t *testing.T) {
	i := (facts{name: "a.txt", dir: true}).info()
	check.That(t, i.Folder && i.Tag == "" && i.Type == "", "%+v, want a folder without tag and type", i)
}

// TestCreationDateIsBirthTimeOfFile checks that the creation time comes from the host and is not the write time.
func TestCreationDateIsBirthTimeOfFile(t *testing.T) {
	w := newExactly(t, shared)
	w.file("f", "f", shared)
	w.setTime("f")
	var s unix.Statx_t
	w.must(unix.Statx(unix.AT_FDCWD, filepath.Join(w.root, "f"), 0, unix.STATX_BTIME, &s))
	if s.Mask&unix.STATX_BTIME == 0 {
		t.Skip("the file system keeps no time of making")
	}
	want := time.Unix(s.Btime.Sec, 0).UTC().Format(time.RFC3339)
	w.diff("it", w.ask("bob", "PROPFIND", "/share/f", propfind("<D:prop><D:creationdate/></D:prop>"), "Depth", "0"),
		multistatus(response("/share/f", "200 OK", "<D:creationdate>"+want+"</D:creationdate>")))
}

// TestPartialDeleteListsFailedFiles checks the complete response to a partial delete, with the status of each file that
// could not be deleted (RFC 4918, 9.6.1).
func TestPartialDeleteListsFailedFiles(t *testing.T) {
	w := newExactly(t, shared)
	const all = "O:BAG:SYD:P(A;OICI;0x1301bf;;;{bob})"
	w.folder("top", all)
	w.file("top/his", "x", "O:BAG:SYD:P(A;;FA;;;{bob})")
	w.folder("top/a & b", all)
	w.file("top/a & b/hers", "x", own)
	w.file("top/hers", "x", own)
	w.folder("top/shut", "O:BAG:SYD:P(A;;0x110000;;;{bob})")
	w.file("top/shut/x", "x", own)
	said := func(href string) string {
		return "<D:response><D:href>" + href + "</D:href><D:status>HTTP/1.1 403 Forbidden</D:status></D:response>"
	}
	w.diff("some of it", w.ask("bob", "DELETE", "/share/top", ""), answered(207, `<?xml version="1.0" encoding="UTF-8"?>`+
		"\n"+`<D:multistatus xmlns:D="DAV:">`+said("/share/top/a%20&amp;%20b/hers")+said("/share/top/hers")+
		said("/share/top/shut")+"</D:multistatus>\n", "Content-Type: application/xml; charset=utf-8",
		"Cache-Control: no-store"))
	check.Equal(t, w.entries("top"), "a & b hers shut", "the directory")
	// A request that fails without a condition fails the same with one (RFC 9110, 13.2.1).
	w.diff("G-45: with a condition", w.ask("bob", "DELETE", "/share/top/hers", "", "If-Match", `"wrong"`), saysDenied)
	for _, c := range []struct{ user, path, want string }{
		{"bob", "/share/top/hers", saysDenied}, {"carol", "/share/top/hers", saysAbsent}, {"bob", "/share/none",
			saysAbsent},
		{"bob", "/none/x", saysAbsent}, {"alice", "/share", inLine(403, "the root of a tree cannot be changed")},
		{"alice", "/", inLine(403, "the root of a tree cannot be changed")}, {"alice", "/share/top/hers", answered(204, "")},
	} {
		w.diff("DELETE "+c.path+" by "+c.user, w.ask(c.user, "DELETE", c.path, ""), c.want)
	}
	check.That(t, check.Err(os.Stat(filepath.Join(w.root, "top/hers"))) != nil, "the file that alice deleted still exists")
}
