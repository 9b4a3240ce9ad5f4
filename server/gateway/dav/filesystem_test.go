package dav

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/davcases"
)

// memory is a file system in memory and its WebDAV server. All users have all rights, unless refuse denies a call.
type memory struct {
	*testing.T
	*Engine
	time   time.Time
	of     map[Path]*node
	refuse func(call string, name Path) error // its errors are those of the calls
	most   int                                // listed members of a folder
	how    Creation                           // of the last upload
	open   int                                // files, uploads, stages and listed members
	n      int                                // versions and hidden names

	detached bool // a request no longer ends with its client
}

// node is a file or folder.
type node struct {
	folder  bool
	text    string
	version int
	props   map[Name]Property
}

// newMemory returns a server with the folder /c, which has the files f, t and d/m with their last letter, and an empty
// folder e.
func newMemory(t *testing.T) *memory {
	m := &memory{T: t, time: time.Unix(1e9, 0).UTC(), of: map[Path]*node{Root: {folder: true}},
		refuse: func(string, Path) error { return nil }, most: mostCopied}
	m.Engine = New(func() time.Time { return m.time })
	for _, name := range []Path{"/c", "/c/d", "/c/e"} {
		m.of[name] = &node{folder: true}
	}
	for _, name := range []Path{"/c/f", "/c/t", "/c/d/m"} {
		m.write(name, string(name[len(name)-1:]))
	}
	return m
}

// write replaces the contents of a file.
func (m *memory) write(name Path, text string) {
	m.n++
	m.of[name] = &node{text: text, version: m.n}
}

// run performs steps of package davcases, one per line, and returns the last response. It checks that no file, upload,
// stage or list of members stays open.
func (m *memory) run(steps string) (code int, answer string) {
	m.Helper()
	s := &davcases.Site{T: m.T, Base: "http://host.test/c", Client: &http.Client{Transport: m}}
	for step := range strings.SplitSeq(steps, "\n") {
		code, answer = s.Ask(step)
		check.Equal(m, m.open, 0, "files, uploads, stages and members that stay open after %.80s", step)
	}
	return code, answer
}

// tree returns the names in /c with the contents of files, a slash after each folder.
func (m *memory) tree() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m.of))[2:] {
		kind := "=" + m.of[name].text
		if m.of[name].folder {
			kind = "/"
		}
		list = append(list, string(name[3:])+kind)
	}
	return strings.Join(list, " ")
}

// state returns all names with contents, versions and properties as text.
func (m *memory) state() (text string) {
	for _, name := range slices.Sorted(maps.Keys(m.of)) {
		text += fmt.Sprintf("%s %+v\n", name, *m.of[name])
	}
	return text
}

// RoundTrip serves a request.
func (m *memory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	check.Equal(m, w.Header().Get("Content-Type") == xmlType, strings.HasPrefix(w.Body.String(), xmlHeader), "an XML type")
	return w.Result(), nil
}

// ServeHTTP serves a request for the user of its Basic header.
func (m *memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, _, _ := r.BasicAuth()
	switch r.Method {
	case http.MethodOptions:
		Options(w)
	case http.MethodGet, http.MethodHead:
		i, err := m.Stat(Path(r.URL.Path))
		if err != nil {
			refusalOf(err).Answer(w, r)
			return
		}
		w.Header().Set("Etag", i.Tag)
		http.ServeContent(w, r, i.Name, i.Modified, strings.NewReader(m.of[Path(r.URL.Path)].text))
	default:
		if f := m.Serve(w, r, user, m); f != nil {
			f.Answer(w, r)
		}
		check.That(m, w.Header().Get("Content-Type") != xmlType || w.Header().Get("Cache-Control") == "no-store",
			"%s: a cache may store the response", r.Method)
	}
}

// ReadFile returns the contents of a file in the folder /c.
func (m *memory) ReadFile(name string) ([]byte, error) {
	if n := m.of[Path("/c"+name)]; n != nil {
		return []byte(n.text), nil
	}
	return nil, fs.ErrNotExist
}

var errAbsent = Refuse(http.StatusNotFound, "no such name")

func (m *memory) Parse(u *url.URL) (Path, bool, error) {
	name := Path("/" + strings.Trim(u.Path, "/"))
	return name, strings.HasSuffix(u.Path, "/"), m.refuse("Parse", name)
}

func (*memory) Mutable(name Path) error {
	if name.Parent() == Root {
		return Refuse(http.StatusForbidden, "a root cannot be changed")
	}
	return nil
}

func (m *memory) Stat(name Path) (Info, error) {
	n := m.of[name]
	switch err := m.refuse("Stat", name); {
	case err != nil:
		return Info{}, err
	case n == nil:
		return Info{}, errAbsent
	}
	i := Info{Name: string(name[strings.LastIndexByte(string(name), '/')+1:]), Folder: n.folder,
		Size: int64(len(n.text)), Created: time.Unix(9e8, 0).UTC(), Modified: time.Unix(1e9, 5e8).UTC(),
		Type: "text/plain"}
	if !n.folder {
		i.Tag = fmt.Sprintf(`"%d"`, n.version)
	}
	return i, nil
}

func (m *memory) List(name Path, most int) (members []Info, more bool, err error) {
	for _, at := range slices.Sorted(maps.Keys(m.of)) {
		if i, err := m.Stat(at); at != Root && at.Parent() == name && err == nil {
			members = append(members, i)
		}
	}
	most = min(most, m.most)
	more, members = len(members) > most, members[:min(most, len(members))]
	m.open += len(members)
	return members, more, m.refuse("List", name)
}

func (m *memory) Forget(members []Info) { m.open -= len(members) }

func (m *memory) Mkdir(name Path) error {
	if m.of[name] != nil {
		return errExists
	}
	if err := m.Makeable(name, true); err != nil {
		return err
	}
	m.of[name] = &node{folder: true}
	return nil
}

func (m *memory) Remove(name Path) error {
	if err := m.refuse("Remove", name); err != nil {
		return err
	}
	for at := range m.of {
		if at != name && at.Under(name) {
			return ErrNotEmpty
		}
	}
	delete(m.of, name)
	return nil
}

func (m *memory) Rename(from, to Path, replace bool) error {
	if m.of[to] != nil && !replace {
		return errExists
	}
	if err := m.Makeable(to, false); err != nil {
		return err
	}
	for at, n := range maps.Clone(m.of) {
		if at.Under(from) {
			delete(m.of, at)
			m.of[to+at[len(from):]] = n
		}
	}
	return nil
}

func (m *memory) Replace(from, to Path) (old Path, err error) {
	old = m.Hidden(to)
	if err := m.refuse("Replace", to); err != nil {
		return "", err
	}
	_ = m.Rename(to, old, false) // the name is free
	return old, m.Rename(from, to, false)
}

func (m *memory) Hidden(name Path) Path {
	m.n++
	return name.Parent().Join(fmt.Sprint(".hidden", m.n))
}

func (m *memory) Stage(name Path) (Stage, error) {
	if err := m.Mkdir(name); err != nil {
		return nil, err
	}
	m.open++
	return &memoryStage{m, name}, nil
}

// memoryStage is the folder of a copy.
type memoryStage struct {
	*memory
	name Path
}

func (s *memoryStage) Rename(to Path) error {
	if err := s.refuse("Stage.Rename", to); err != nil {
		return err
	}
	return s.memory.Rename(s.name, to, false)
}
func (s *memoryStage) Close() { s.open-- }

func (m *memory) Detach() { m.detached = true }

func (m *memory) Removable(name Path) error { return m.refuse("Removable", name) }

func (m *memory) Movable(from, to Path) error {
	switch {
	case m.of[from] == nil:
		return errAbsent
	case from == to:
		return m.Removable(from)
	}
	return m.refuse("Movable", from)
}

func (m *memory) Makeable(name Path, folder bool) error {
	call := "Makeable"
	if folder {
		call = "Makeable folder"
	}
	if up := m.of[name.Parent()]; up == nil || !up.folder {
		return Refuse(http.StatusConflict, "no such folder")
	}
	return m.refuse(call, name)
}

func (m *memory) Lockable(name Path, deep bool) error {
	switch {
	case m.of[name] == nil:
		return m.Makeable(name, false)
	case deep && m.refuse("Lockable deep", name) != nil:
		return m.refuse("Lockable deep", name)
	}
	return m.refuse("Lockable", name)
}

func (m *memory) Open(name Path) (io.ReadCloser, error) {
	if err := m.refuse("Open", name); err != nil {
		return nil, err
	}
	m.open++
	return struct {
		io.Reader
		io.Closer
	}{strings.NewReader(m.of[name].text), &memoryUpload{memory: m}}, nil
}

func (m *memory) Create(name Path, c Creation) (Upload, error) {
	m.how = c
	if n := m.of[name]; n != nil && (n.folder || c.New) {
		return nil, errExists
	}
	if err := cmp.Or(m.Makeable(name, false), m.refuse("Create", name)); err != nil {
		return nil, err
	}
	m.open++
	return &memoryUpload{memory: m, name: name, how: c}, nil
}

// memoryUpload is an upload.
type memoryUpload struct {
	*memory
	name  Path
	how   Creation
	text  string
	leave func()
}

func (u *memoryUpload) ReadFrom(r io.Reader) (int64, error) {
	b, err := io.ReadAll(r)
	u.text = string(b)
	return int64(len(b)), cmp.Or(err, u.refuse("ReadFrom", u.name))
}

func (u *memoryUpload) Commit() (i Info, created bool, err error) {
	if u.how.Enter != nil {
		if u.leave, err = u.how.Enter(); err != nil {
			return i, false, err
		}
	}
	if err := u.refuse("Commit", u.name); err != nil {
		return i, false, err
	}
	old := u.of[u.name]
	if old != nil && u.how.New {
		return i, false, errExists
	}
	u.write(u.name, u.text)
	if old != nil {
		u.of[u.name].props = old.props
	}
	i, err = u.Stat(u.name)
	return i, old == nil, err
}

func (u *memoryUpload) Close() error {
	u.open--
	if u.leave != nil {
		u.leave()
	}
	return nil
}

func (*memory) Property(_ Path, _ *Info, local string) (string, int) {
	if local == "owner" {
		return "alice", http.StatusOK
	}
	return "", http.StatusNotFound
}

func (*memory) PropertyNames(Path) []string { return []string{"owner"} }

func (m *memory) Properties(name Path) map[Name]Property {
	if n := m.of[name]; n != nil {
		return n.props
	}
	return nil
}

func (m *memory) Patch(name Path, patches []Patch) error {
	if err := m.refuse("Patch", name); err != nil && (len(patches) > 0 || codeOf(err) != http.StatusInsufficientStorage) {
		return err
	}
	props := map[Name]Property{}
	maps.Copy(props, m.of[name].props)
	for _, p := range patches {
		if p.Remove {
			delete(props, p.Property.Name)
		} else {
			props[p.Property.Name] = p.Property
		}
	}
	m.of[name].props = props
	return nil
}
