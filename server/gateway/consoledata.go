package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	api "github.com/refmon/refmon/server/gateway/refmonv1"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// tokenData is the data of the token page.
type tokenData struct {
	Of, Problem string
	Process     string
	User, Name  string
	Level       string
	Groups      []groupLine
	Privileges  []string
}

// groupLine is a group of a token and its use in access checks.
type groupLine struct{ SID, Name, How string }

// tokenPage returns the tokenData of the client's token, or of the process in the query. If the number of the process
// is malformed, or the client may not open the process or its token, Problem has the reason.
func (q *request) tokenPage(r *http.Request) any {
	d := tokenData{Of: "the token of this request", Process: r.URL.Query().Get("process")}
	tok, st := q.s.token, ntstatus.Success
	if d.Process != "" {
		id, err := strconv.ParseUint(d.Process, 10, 32)
		if err != nil {
			d.Problem = "give the number of a process in the list of sessions"
			return d
		}
		d.Of = "the token of process " + d.Process
		if tok, st = q.processToken(winnt.Handle(id)); st == ntstatus.Success {
			defer q.s.release(tok)
		}
	}
	if st != ntstatus.Success {
		d.Problem = st.String()
		return d
	}
	t, st := q.tokenOf(tok)
	if st != ntstatus.Success {
		d.Problem = st.String()
		return d
	}
	d.User, d.Privileges = t.GetUser(), t.GetPrivileges()
	if d.Process == "" {
		d.Level = q.s.level.String()
	}
	var list []sid.SID
	for _, text := range append([]string{t.GetUser()}, groupSIDs(t)...) {
		s, _ := sid.ParseStrict(text) // formatted by refmond
		list = append(list, s)
	}
	names := q.names(list)
	d.Name = names[0]
	for i, g := range t.GetGroups() {
		d.Groups = append(d.Groups, groupLine{g.GetSid(), names[i+1], groupUse(g.GetAttributes())})
	}
	return d
}

// groupSIDs returns the SIDs of a token's groups as text, in order, nil without groups.
func groupSIDs(t *api.TokenResponse) (list []string) {
	for _, g := range t.GetGroups() {
		list = append(list, g.GetSid())
	}
	return list
}

// groupUse describes for the token page how access checks use a group with these attributes, such as
// deny-only. It returns "" for an ordinary enabled group. Integrity comes before deny-only, and that before disabled.
func groupUse(attributes uint32) string {
	switch {
	case attributes&winnt.SE_GROUP_INTEGRITY != 0:
		return "integrity"
	case attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0:
		return "only for entries that deny"
	case attributes&winnt.SE_GROUP_ENABLED == 0:
		return "disabled"
	}
	return ""
}

// processToken opens the token of a process for queries, with the rights of the client. The caller releases it. On
// failure st is not Success. The handle is 0 then.
func (q *request) processToken(id winnt.Handle) (tok winnt.Handle, st ntstatus.Status) {
	st = q.s.as(q.ctx, func(th *nt.Thread) ntstatus.Status {
		h, st := th.NtOpenProcess(winnt.PROCESS_QUERY_LIMITED_INFORMATION, nil, &nt.ClientID{UniqueProcess: id})
		if st != ntstatus.Success {
			return st
		}
		defer th.NtClose(h)
		tok, st = th.NtOpenProcessToken(h, winnt.TOKEN_QUERY)
		return st
	})
	return tok, st
}

// treeData is the data of the page of a directory with its descriptors.
type treeData struct {
	Path, Problem string
	Up            string
	Trees         []string
	SDDL          string
	Who           []*api.Grant
	MoreWho       bool // the descriptor names more than Who has
	Files         []treeLine
	More          bool
	Unlisted      string // why Files has no or not all names of a directory; "": it has them
}

// treeLine is a directory entry.
type treeLine struct{ Name, Link, SDDL string }

// mostDescriptors is the most entries that the page shows.
const mostDescriptors = 200

// treePage returns the treeData of the file in the query: descriptor, grants and entries. Without a path, only the
// trees are listed. Without READ_CONTROL, no descriptor is shown. A malformed path, and a file that the client may
// not see, are reported in Problem.
func (q *request) treePage(r *http.Request) any {
	d := treeData{Path: r.URL.Query().Get("path")}
	for _, f := range q.roots() {
		d.Trees = append(d.Trees, f.name)
	}
	if d.Path == "" {
		return d
	}
	at, _, err := parsePlace(&url.URL{Path: d.Path})
	if err != nil || at.tree == "" {
		d.Problem = "give a path in a tree, such as /projects/plans"
		return d
	}
	f, refused := q.stat(at)
	if refused != nil {
		level(q.ctx, q.begun, q.g.levels.name) // the name may be hidden (G-48)
		d.Problem = "no such name, or you may not see it"
		return d
	}
	if dir, _ := at.above(); at.path != "" {
		d.Up = treeLink("/tree", "/"+dir.plain())
	}
	descriptor, refused := q.descriptor(at, false)
	if refused != nil {
		d.SDDL = "(the descriptor is visible only with READ_CONTROL)"
	} else {
		d.SDDL = sddlOf(descriptor)
		d.Who, d.MoreWho, _ = q.grants(descriptor) // a page shows a SID without its name
	}
	if f.dir {
		q.treeFiles(&d, at)
	}
	return d
}

// plain returns the unescaped path, without its first slash. It returns "" for the root above the trees.
func (p place) plain() string {
	u, err := url.PathUnescape(p.href(false))
	if err != nil {
		return ""
	}
	return u[1:]
}

// treeLink returns the URL of the console page at page, with path in its query.
func treeLink(page, path string) string { return page + "?" + url.Values{"path": {path}}.Encode() }

// treeFiles adds the first mostDescriptors entries of a directory to d, with their descriptors, and sets d.More if
// there are further entries. If the client may not list the directory, or not have the memory of the page, d.Unlisted
// says so. A descriptor that the client may not read is "—".
func (q *request) treeFiles(d *treeData, at place) {
	list, more, refused := q.members(at, mostDescriptors)
	if refused != nil {
		if d.Unlisted = refused.Error(); refused.code == http.StatusForbidden {
			d.Unlisted = "you may not list it"
		}
		return
	}
	d.More = more
	for _, f := range list {
		l := treeLine{Name: f.name, Link: treeLink("/tree", "/"+at.below(f.name).plain()), SDDL: "—"}
		// The client may list the entry, so a denial hides nothing (G-8).
		if descriptor, st := q.readDescriptor(at.below(f.name), 0); st == ntstatus.Success {
			l.SDDL = sddlOf(descriptor)
		}
		if !q.hold(int64(len(l.SDDL))) {
			d.Unlisted = noMemory
			return
		}
		d.Files = append(d.Files, l)
	}
}

// whyData is the data of the page of an access question.
type whyData struct {
	Path, Account, Right, Problem string
	Rights                        []string
	Asked, Allowed                bool
	Status, Text                  string
	Granted                       []string
}

// formRights lists the rights that the form offers. A page about a right outside the list adds that right to its form.
var formRights = []string{"GENERIC_READ", "GENERIC_WRITE", "DELETE", "READ_CONTROL", "WRITE_DAC", "FILE_ALL_ACCESS",
	"MAXIMUM_ALLOWED"}

// whyPage returns the whyData for the access question in the query: result and explanation. Without a path the form
// is empty. Problem has the reason of a failure. A path without a right is a failure, not a request for the maximum.
func (q *request) whyPage(r *http.Request) any {
	v := r.URL.Query()
	d := whyData{Path: v.Get("path"), Account: v.Get("account"), Right: v.Get("right"), Rights: formRights}
	if d.Right != "" && !slices.Contains(formRights, d.Right) {
		d.Rights = append(slices.Clone(formRights), d.Right)
	}
	switch {
	case d.Path == "":
		return d
	case d.Right == "":
		// A form without a right is incomplete, not a request for the maximum (G-36).
		d.Problem = "choose the right to check; MAXIMUM_ALLOWED requests all available rights"
		return d
	}
	c := &api.CheckRequest{Object: &api.Object{Object: &api.Object_Path{Path: d.Path}}, Account: d.Account,
		Rights: []string{d.Right}}
	a, text, err := q.check(c, true)
	if err != nil {
		d.Problem = reason(err)
		return d
	}
	d.Asked, d.Allowed, d.Status, d.Text = true, a.GetAllowed(), a.GetStatus(), text
	d.Granted = a.GetGranted().GetNames()
	return d
}

// sddlOf returns a descriptor as SDDL for a page. If that fails, it returns the error in parentheses.
func sddlOf(d *sd.Descriptor) string {
	text, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return text
}
