package source

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Descriptors of the tests: the second is long enough that its bytes in base64 hold
// each kind of character.
const (
	readers = "O:BAG:SYD:(A;;FR;;;WD)"
	many    = "O:BAG:SYD:(A;;FR;;;WD)(D;;FX;;;BG)(A;;FA;;;BA)" +
		"(A;OICI;0x1301bf;;;S-1-5-21-4039823903-4261412863-4286578687-4278190079)"
)

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	d := check.Must(sddl.Parse(text, sddl.Options{}))
	return d.Binary()
}

// rowsOf reads a file and returns each object as path, type and descriptor, or its error.
func rowsOf(t *testing.T, name string, in io.Reader) ([]string, error) {
	t.Helper()
	s, err := Open(name, in)
	if err != nil {
		return nil, err
	}
	var rows []string
	err = objects.All(context.Background(), s, sid.MustParse("S-1-5-21-1-2-3"), winnt.KeyObject,
		func(i objects.Item) bool {
			row := i.Path + " " + objects.TypeName(i.Type)
			switch {
			case i.Err != nil:
				row = i.Path + " error: " + i.Err.Error()
			case i.Descriptor != nil:
				text, err := sddl.Format(i.Descriptor, sddl.Options{})
				check.NoError(t, err)
				row += " " + text
			}
			if i.Note != 0 {
				row += " note: " + i.Note.String()
			}
			rows = append(rows, row)
			return true
		})
	return rows, err
}

// utf16Text returns a text as UTF-16 with its mark, the low byte first or the high one.
func utf16Text(text string, big bool) string {
	var b strings.Builder
	for _, v := range utf16.Encode([]rune("\uFEFF" + text)) {
		if big {
			v = v>>8 | v<<8
		}
		b.Write([]byte{byte(v), byte(v >> 8)})
	}
	return b.String()
}

// Each format returns path, type and descriptor of each object, from the columns by name. An error of a row has its
// line.
func TestFormatsReturnPathTypeAndDescriptor(t *testing.T) {
	bin := bytesOf(t, many)
	hexed, coded := hex.EncodeToString(bin), base64.StdEncoding.EncodeToString(bin)
	check.RequireThat(t, strings.Contains(coded, "/") && strings.Contains(coded, "+") && strings.HasPrefix(coded, "AQ"),
		"the bytes do not have each kind of character: %s", coded)
	padded := base64.StdEncoding.EncodeToString(bytesOf(t, readers))
	check.RequireThat(t, strings.HasSuffix(padded, "="), `no padding: %s, want text ending with "="`, padded)
	manyRow := strings.Replace(many, ";FX;", ";0x1200a0;", 1)
	if d, err := sddl.Parse(many, sddl.Options{}); err == nil {
		manyRow, _ = sddl.Format(d, sddl.Options{})
	}
	noOwner := " note: " + objects.NoteNoOwner.String()
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"a.csv", "path,sd\n/a," + readers + "\n/b,\n/c," + readers + "\n",
			[]string{"/a key " + readers, "/b error: line 3: the descriptor is missing", "/c key " + readers}},
		{"a.CSV", "Type,Other,SDDL,PSPath\ndirectory,x," + readers + "," +
			"Microsoft.PowerShell.Core\\FileSystem::C:\\a\n," + "y," + readers + ",b\n",
			[]string{`C:\a directory ` + readers, "b key " + readers}},
		{"a.csv", "\xef\xbb\xbf\"FullName\",\"Name\",\"descriptor\"\n\"one, two\",x," + hexed + "\n",
			[]string{"one, two key " + manyRow}},
		{"a.csv", "dn,sdHex\nCN=a," + strings.ToUpper(hexed) + "\n", []string{"CN=a key " + manyRow}},
		{"a.csv", "distinguishedName,sdBase64\nCN=a," + coded + "\nCN=b," + padded + "\n",
			[]string{"CN=a key " + manyRow, "CN=b key " + readers}},
		{"a.csv", "#TYPE System.Object\npath,nTSecurityDescriptor\na," + readers + "\n",
			[]string{"a key " + readers}},
		{"a.csv", "path,x,sd\na,b\n\"q\",b," + readers + "\n",
			[]string{"line 2 error: line 2: there are only 2 columns", "q key " + readers}},
		{"-", "\"Path\";\"Sddl\"\r\n\"a,b\";\"" + readers + "\"\r\n", []string{"a,b key " + readers}},
		{"-", "Path\tSddl\na\t" + readers + "\n", []string{"a key " + readers}},
		{"-", utf16Text("#TYPE System.Object\nPath,Sddl\na,"+readers+"\n", false), []string{"a key " + readers}},
		// As ConvertTo-Csv -NoTypeInformation > FILE writes it.
		{"noname", utf16Text("\"Path\",\"Sddl\"\r\n\"a\",\""+readers+"\"\r\n", false), []string{"a key " + readers}},
		{"noname", "\r\nPath;Sddl\na;\"" + readers + "\"\n", []string{"a key " + readers}},
		{"noname", "path,sd" + strings.Repeat(",\"\"", 2000) + "\na," + readers, []string{"a key " + readers}},
		{"a.csv", "x,sd,path\na," + readers + "\n", []string{"line 2 error: line 2: there are only 2 columns"}},
		{"a.csv", "path,sd,type\na," + readers + ",nonsense\nb," + readers + ",file\nc," + readers + "\n",
			[]string{`a error: line 2: "nonsense" is not an object type`, "b file " + readers,
				"c key " + readers}},
		{"a.csv", "path,sd\na,\"b\nc," + readers + "\n", nil},
		{"none.csv", "", nil},
		{"noname", "path,sd\na," + readers + "\n", []string{"a key " + readers}}, {"noname", "path,sd", []string{}},
		{"a.csv", "path;sd", []string{}},
		{"a.acl", "a b\r\n" + readers + "\r\n\r\nc\nO:DAD:\n",
			[]string{"a b key " + readers, "c key O:S-1-5-21-1-2-3-512D:"}},
		{"a.icacls", "a\n" + readers, []string{"a key " + readers}},
		{"a.txt", utf16Text("a, b\r\nD:PAI(A;;FR;;;BA)\r\n", false), []string{"a, b key D:PAI(A;;FR;;;BA)" + noOwner}},
		{"-", "a\n\nD:P\nb\nD:AI(A;;FR;;;BA)\n", []string{"a key D:P" + noOwner, "b key D:AI(A;;FR;;;BA)" + noOwner}},
		{"a.txt", "path,sd\nD:\\a," + readers + "\n", []string{"D:\\a key " + readers}},
		{"noname", utf16Text("ä𝄞\n"+readers+"\n", false), []string{"ä𝄞 key " + readers}},
		{"noname", utf16Text("ä𝄞\n"+readers+"\n", true), []string{"ä𝄞 key " + readers}},
		{"a.csv", utf16Text("\ufeffpath,sd\na,"+readers+"\n", true), []string{"a key " + readers}}, // two marks
		{"a.csv", utf16Text("path,sd\n\"ä,𝄞\","+readers+"\n", true), []string{"ä,𝄞 key " + readers}},
		{"-", "DN;" + strings.Repeat("x", headSize) + ";nTSecurityDescriptor\na;x;\"" + readers + "\"\n",
			[]string{"a key " + readers}}, // the head does not have the second column
		{"a.jsonl", utf16Text(`{"path":"a","sd":"`+readers+`"}`, false), []string{"a key " + readers}},
		{"a.ldif", "version: 1\n\ndn: CN=a\r\r\n b,DC=x\r\r\nnTSecurityDescriptor:: " + coded[:9] + "\r\r\n " +
			"" + coded[9:] + "\ncn: a\n\n" +
			"# dn: CN=no\ndn:: " + base64.StdEncoding.EncodeToString([]byte("CN=ü")) + "\n" +
			"#nTSecurityDescriptor:: AAAA\nNTSECURITYDESCRIPTOR::" + padded + "\n\n\n\ndn: CN=c\ncn: c\n",
			[]string{"CN=ab,DC=x directoryService " + manyRow, "CN=ü directoryService " + readers,
				"CN=c error: the entry that ends at line 17 has no nTSecurityDescriptor: ask for it by name, " +
					"with the right to read it"}},
		{"a.ldif", "dn: CN=a\nnTSecurityDescriptor: " + readers + "\n", // as ldbsearch prints it
			[]string{"CN=a directoryService " + readers}},
		{"a.ldif", "\xef\xbb\xbfdn: x\r\r\nnTSecurityDescriptor: " + readers, []string{"x directoryService " + readers}},
		{"noname", "\xef\xbb\xbfversion: 1\ndn:x\nnTSecurityDescriptor: " + readers,
			[]string{"x directoryService " + readers}},
		{"-", "\xef\xbb\xbfa\nD:P\n", []string{"a key D:P" + noOwner}},
		{"-", "\xef\xbb\xbfC:\\a Everyone:(R)\n", []string{"C:\\a key D:(A;;FR;;;WD)" + noOwner}},
		{"a.LDF", "cn: x\ndn:x\nnTSecurityDescriptor:: " + padded, []string{"x directoryService " + readers}},
		{"noname", "# record 1\n#\n\n# x, y\ndn:x\nnTSecurityDescriptor:: " + padded,
			[]string{"x directoryService " + readers}},
		{"noname", "version: 1\ndn:x\nnTSecurityDescriptor:: " + padded, []string{"x directoryService " + readers}},
		{"-", "dn: CN=x\ndescription: see Everyone:(F)\nnTSecurityDescriptor: " + readers,
			[]string{"CN=x directoryService " + readers}},
		{"noname", "# x, y\n z\n\n# c\nDN:  x\nnTSecurityDescriptor:  " + readers,
			[]string{"x directoryService " + readers}},
		{"noname", "\xef\xbb\xbf\n {\"path\":\"a\",\"sd\":\"" + readers + "\",\"type\":\"file\"}\n",
			[]string{"a file " + readers}},
		{"noname", `{"path":"a","sdHex":"` + hexed + `"}` + "\n" + `{"sdBase64":"` + coded + `","path":"b"}`,
			[]string{"a key " + manyRow, "b key " + manyRow}},
		{"noname", utf16Text(`{"path":"a","sd":"`+readers+`"}`, true), []string{"a key " + readers}},
		{"noname", `{"path":"a","sd":"O:BA"}`, []string{"a key O:BA note: " + objects.NoteNoDACL.String()}},
	} {
		rows, err := rowsOf(t, c.name, strings.NewReader(c.text))
		check.That(t, err == nil, "%s, %.40q: %v", c.name, c.text, err)
		if c.want != nil && !slices.Equal(rows, c.want) {
			t.Errorf("%s, %.60q:\n%s\nwant\n%s", c.name, c.text, strings.Join(rows, "\n"), strings.Join(c.want,
				"\n"))
		}
	}
	// The offsets of converted lines are not those of the file, so that no run resumes there.
	for text, want := range map[string]bool{"{}": true, utf16Text("{}", false): false} {
		o := check.Must(Open("a.jsonl", strings.NewReader(text)))
		check.That(t, IsLines(o) && jsonl.IsLines(o) == want, "%q: lines of a file: %t", text, jsonl.IsLines(o))
	}
	var b objects.Batch // a mark counts
	check.NoError(t, check.Must(Open("a.jsonl", strings.NewReader("\ufeff{}\n"))).Next(&b))
	check.Equal(t, b.End, 6, "offset after the line")
}

// A header with unknown or repeated columns, truncated text, and a read error end the reading with an error.
func TestMalformedFormatEndsReading(t *testing.T) {
	for _, c := range [][3]string{
		{"a.csv", "path,x\na,b\n", "no column path, or none of sd"}, {"a.csv", "sd,x\na,b\n", "no column path"},
		{"a.csv", "path,sd,SD\n", "column SD occurs twice"},
		{"a.json", "[ {\"path\":\"a\",\"sd\":\"D:\"}]", "jq -c"}, {"a.csv", "\x1f\x8b\x08\x00", "compressed by gzip"},
		{"a.csv", "path,\"sd\n", "heading"}, {"-", "path,x\na,b\n", "no column path, or none of sd"},
		{"-", "; of this server\n[share]\n", ErrForm.Error()}, {"-", "# Samba, version 4\n", ErrForm.Error()},
		{"-", "(A;;FA;;;WD)\n", ErrForm.Error()}, {"-", "A;;SD;;;WD\n", ErrForm.Error()}, // no D: before it
		{"-", "(XA;;FX;;;WD;(@User.x Any_of {1,2}))\n", ErrForm.Error()}, {"-", "name\tsize\n", ErrForm.Error()},
		{"-", "sd\n", ErrForm.Error()}, {"-", utf16Text("path,x\na,b\n", false), "no column path, or none of sd"},
		{"-", "\"Sddl\";\"Owner\"\nD:;a\n", "no column path"},
		{"-", "Path\tsd\tSddl\n", "columns sd and Sddl both hold"},
		{"a.csv", utf16Text("path,sd\na", false) + "x", "ends inside a character"},
		{"a.acl", utf16Text("a\nb", true) + "x", "ends inside a character"},
		{"a.csv", utf16Text("path,sd\na", false) + "\x3d\xd8", "ends inside a character"}, // half of a surrogate pair
		{"a.acl", "a\n" + strings.Repeat("x", objects.MaxLine+1), "line 2: longer than 4194304 bytes"},
		{"a.txt", "Path : a\n" + strings.Repeat("x", objects.MaxLine+1), "line 2: longer than 4194304 bytes"},
		{"a.ldif", "dn: a\n" + strings.Repeat("x", objects.MaxLine+1), "line 2: longer than 4194304 bytes"},
		{"a.ldif", "dn: a\nnTSecurityDescriptor: D:\n\n# search result\nsearch: 2\nresult: 4 Size limit exceeded\n" +
			"\ndn: b\nnTSecurityDescriptor: D:\n", `line 6: the search ended with "4 Size limit exceeded", ` +
			`so entries are missing`},
	} {
		if rows, err := rowsOf(t, c[0], strings.NewReader(c[1])); err == nil || !strings.Contains(err.Error(),
			c[2]) {
			t.Errorf("%s, %.30q: %v, %v, want %s", c[0], c[1], rows, err, c[2])
		}
	}
	broken := errors.New("the disk is gone")
	for name, text := range map[string]string{"a.csv": "path,sd\na," + readers + "\n",
		"a.ldif": "dn: a\n\n", "b.ldif": "dn: a",
		"a.jsonl": `{"path":"a","sd":"` + readers + `"}` + "\n", "none": ""} {
		in := io.MultiReader(strings.NewReader(strings.Repeat(text, 1)), iotest.ErrReader(broken))
		if rows, err := rowsOf(t, name, in); !errors.Is(err, broken) {
			t.Errorf("%s: %v, %v, want %v", name, rows, err, broken)
		}
	}
	rows, err := rowsOf(t, "a.ldif", strings.NewReader("dn: a\nnTSecurityDescriptor:: ====\n\ndn:: ====\n"+
		"nTSecurityDescriptor:: AQ==\n\ndn: d\nnTSecurityDescriptor:: AQ==\n"))
	if err != nil || len(rows) != 3 || !strings.Contains(rows[0], "nTSecurityDescriptor: wrong base64") ||
		!strings.Contains(rows[1], "dn: wrong base64") || !strings.Contains(rows[2], "d error: ") {
		t.Errorf("wrong base64: %q, %v", rows, err)
	}
	check.Equal(t, check.Err(rowsOf(t, "none", strings.NewReader(""))), nil, "an empty file")
	const entry = "dn: a\nnTSecurityDescriptor: D:\n"
	for text, want := range map[string]string{
		entry + "dn: b\nnTSecurityDescriptor: D:\n":                        "a error: line 4: the entry has a second nTS",
		entry + "objectSid: S-1-5-21-1-2-3-9\nobjectSid: S-1-5-21-1-2-3-8": "a error: line 4: the entry has a second objectS",
		"nTSecurityDescriptor: D:\n\n":                                     "line 2 error: the entry that ends here has no d",
		entry + "\nsearch: 2\nresult: 0 Success\n":                         "a directoryService D:",
	} {
		rows, err := rowsOf(t, "a.ldif", strings.NewReader(text))
		check.That(t, err == nil && len(rows) == 1 && strings.HasPrefix(rows[0], want), "%q: %q, %v, want %s", text, rows,
			err, want)
	}
}

// TestWrongRowDoesNotAffectOthers checks that a row without a readable descriptor is an error of that row
// alone, and the next one is read.
func TestWrongRowDoesNotAffectOthers(t *testing.T) {
	for text, want := range map[string]string{
		`{"path":"a"}`:                         "no descriptor: give sd, sdHex or sdBase64",
		`{"path":"a","sd":"x"}`:                "SDDL",
		`{"path":"a","sdHex":"0"}`:             "sdHex: ",
		`{"path":"a","sdBase64":"A"}`:          "sdBase64: ",
		`{"path":"a","sdHex":"01000480"}`:      "a error: ",
		`{"path":"a","sd":1}`:                  "sd: want a string",
		`{"path":"a","sd":"D:"`:                "line 1: ",
		`{"path":"a","sd":"D:",}`:              "line 1: ",
		`{"path":"a","sd":"D:" "type":"file"}`: "line 1: ",
	} {
		rows, err := rowsOf(t, "x.jsonl", strings.NewReader(text+"\n"+`{"path":"next","sd":"D:"}`+"\n"))
		if err != nil || len(rows) != 2 || !strings.Contains(rows[0], "error: ") || !strings.Contains(rows[0],
			want) ||
			rows[1] != "next key D:" {
			t.Errorf("%s: %q, %v, want %s", text, rows, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"path":"a","sd":"D:","sdHex":null}`:      "a key D:",
		`{ "path" : "a" , "sd" : "D:" }`:           "a key D:",
		`{"path":"ä","sd":"D:","type":"file"}`:     "ä file D:",
		`{"path":"a\\b\u0041","sd":"D:"}`:          `a\bA key D:`,
		`{"type":"directory","sd":"D:","path":""}`: " directory D:",
	} {
		if rows, err := rowsOf(t, "x.jsonl", strings.NewReader(text)); err != nil || len(rows) != 1 ||
			rows[0] != want {
			t.Errorf("%s: %q, %v, want %s", text, rows, err, want)
		}
	}
}
