package dav

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestPropfindListsWhatWasRequested checks the resources and properties of PROPFIND responses, as pairs of a URL and
// its properties in short form.
func TestPropfindListsWhatWasRequested(t *testing.T) {
	const names = `<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>`
	const prop = `<D:propfind xmlns:D="DAV:"><D:prop><D:displayname/><D:getcontentlength/><a xmlns="urn:a"/></D:prop>` +
		`</D:propfind>`
	const locks = `<D:propfind xmlns:D="DAV:"><D:prop><D:lockdiscovery/></D:prop></D:propfind>`
	const folder = "resourcetype displayname getlastmodified creationdate supportedlock lockdiscovery owner"
	const file = "resourcetype displayname getcontentlength getcontenttype getetag getlastmodified creationdate " +
		"supportedlock lockdiscovery owner"
	for _, c := range []struct{ steps, want string }{
		{"alice PROPFIND /d Depth: 0 < " + names, "/c/d/: " + folder + " 200"},
		{"alice PROPFIND /d/ Depth: 1 < " + names, "/c/d/: " + folder + " 200, /c/d/m: " + file + " 200"},
		{"alice PROPFIND /d Depth: 1,noroot < " + names, "/c/d/m: " + file + " 200"},
		{"alice PROPFIND / Depth: 1,noroot < " + prop, "/c/d/: displayname=d 200 getcontentlength a 404, " +
			"/c/e/: displayname=e 200 getcontentlength a 404, /c/f: displayname=f getcontentlength=1 200 a 404, " +
			"/c/t: displayname=t getcontentlength=1 200 a 404"},
		{"alice PROPFIND /d Depth: 0 < " + strings.Replace(names, "</D:prop", "<D:include><D:x/></D:include></D:prop",
			1), "/c/d/: " + folder + " 200"},
		{"alice PROPPATCH /d/m < patch\nalice PROPFIND /d Depth: 1 < " + prop,
			"/c/d/: displayname=d 200 getcontentlength a 404, /c/d/m: displayname=m getcontentlength=1 a=1 200"},
		{"alice PROPPATCH /d < patch\nalice PROPFIND /d Depth: 1 < " + prop,
			"/c/d/: displayname=d a=1 200 getcontentlength 404, /c/d/m: displayname=m getcontentlength=1 200 a 404"},
		{"alice PROPPATCH /f < patch\nalice PROPPATCH /t < patch\nalice PROPPATCH /t < " +
			`<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><b xmlns="urn:b"/></D:prop></D:set></D:propertyupdate>` +
			"\nalice COPY /f Destination: /c/t\nalice PROPFIND /t Depth: 0 < " + names,
			"/c/t: " + strings.TrimSuffix(file, "owner") + "a owner 200"},
		{"alice PROPPATCH /f < patch\nalice COPY /f Destination: /c/n\nalice PROPFIND /n Depth: 0 < " + prop,
			"/c/n: displayname=n getcontentlength=1 a=1 200"},
		{"alice PROPFIND /f Depth: 0 < " + strings.Replace(prop, "<D:displayname/>", "<D:owner/><D:x/>", 1),
			"/c/f: owner=alice getcontentlength=1 200 x a 404"},
		{"alice PROPFIND /f Depth: 0", "/c/f: resourcetype displayname=f getcontentlength=1 getcontenttype=text/plain " +
			"getetag=&#34;1&#34; getlastmodified=Sun, 09 Sep 2001 01:46:40 GMT creationdate=1998-07-09T16:00:00Z " +
			"supportedlock=exclusive shared lockdiscovery 200"},
		// Each property occurs once, although the client names it twice.
		{"alice PROPPATCH /d < patch\nalice PROPFIND /d Depth: 0 < " + strings.NewReplacer("<D:prop>",
			`<D:allprop/><D:include><a xmlns="urn:a"/>`, "</D:prop>", "</D:include>").Replace(prop),
			"/c/d/: a=1 displayname=d <D:resourcetype>collection getlastmodified=Sun, 09 Sep 2001 01:46:40 GMT " +
				"creationdate=1998-07-09T16:00:00Z supportedlock=exclusive shared lockdiscovery 200 getcontentlength 404"},
		{"alice LOCK /d < exclusive\nalice PROPFIND /d/m Depth: 0 < " + locks, "/c/d/m: lockdiscovery=/c/d 200"},
		{"alice LOCK /d/m < exclusive\nalice PROPFIND /d Depth: 1 < " + locks,
			"/c/d/: lockdiscovery 200, /c/d/m: lockdiscovery=/c/d/m 200"},
		{"alice LOCK /d Depth: 0 < exclusive\nalice PROPFIND /d Depth: 1 < " + locks,
			"/c/d/: lockdiscovery=/c/d 200, /c/d/m: lockdiscovery 200"},
		{"alice LOCK /d/m < shared\nbob LOCK /d/m < shared\nalice PROPFIND /d/m Depth: 0 < " + locks,
			"/c/d/m: lockdiscovery=/c/d/m/c/d/m 200"},
	} {
		code, body := newMemory(t).run(c.steps)
		check.That(t, code == 207 && brief(body) == c.want, "%s: %d %s\nwant %s", c.steps, code, brief(body), c.want)
	}
}

// TestPropfindIgnoresOtherLocks checks that PROPFIND does not copy the locks of other resources. Users can have
// thousands of them, which would slow each listing.
func TestPropfindIgnoresOtherLocks(t *testing.T) {
	m := newMemory(t)
	list := func() float64 {
		return testing.AllocsPerRun(1, func() {
			code, _ := m.run("alice PROPFIND /d Depth: 0")
			check.Equal(t, code, 207, "PROPFIND")
		})
	}
	without := list()
	for i := range MostLocks {
		user, root := fmt.Sprint(i/MostLocksEach), Path(fmt.Sprint("/c/d/", i))
		_, _, err := m.Locks.Add(Lock{User: user, Root: root}, time.Hour)
		check.NoError(t, err)
	}
	with := list()
	check.That(t, with < without+20, "PROPFIND of a folder with %d locked members makes %v allocations, %v without",
		MostLocks, with, without)
}

// brief returns a PROPFIND response in short form: the URL of each resource, and its properties before their status,
// with values that are texts or the roots of locks.
func brief(answer string) string {
	for _, r := range [][2]string{
		{regexp.QuoteMeta(lockable), "exclusive shared"},
		{`<D:activelock>.*?<D:lockroot><D:href>(.*?)</D:href></D:lockroot></D:activelock>`, "$1"},
		{`(?s)^.*?<D:response>`, ""}, {`</D:propstat></D:response>\n(</D:multistatus>\n)?`, ""},
		{`<D:response>`, ", "}, {`</?D:href>`, ""}, {`<D:propstat><D:prop>|</D:propstat>`, " "},
		{`</D:prop><D:status>HTTP/1.1 (\d*)[^<]*</D:status>`, "$1"}, {`<(?:D:)?([a-z]+)[^>]*></[^>]*>`, "$1 "},
		{`<(?:D:)?([a-z]+)[^>]*>([^<]*)</[^>]*>`, "$1=$2 "}, {`(^|, )(/\S*) +`, "$1$2: "}, {` +`, " "},
	} {
		answer = regexp.MustCompile(r[0]).ReplaceAllString(answer, r[1])
	}
	return answer
}
