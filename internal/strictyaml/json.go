package strictyaml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/refmon/refmon/internal/strict"
)

// MaxFile is the size limit of a file, in bytes.
const MaxFile = 64 << 20

// JSON returns a YAML document as JSON, and a mark for each name and element. Whole decimal numbers, true, false and
// null keep their type. Other scalars become strings, also numbers that JSON cannot represent (0x10, 010): see
// [strict.Mark]. The error is a [*strict.Error] with the line. A file beyond MaxFile, one without exactly one document,
// and one that makes the parser panic are such errors.
func JSON(file []byte) (text []byte, marks []strict.Mark, err error) {
	if len(file) > MaxFile {
		return nil, nil, &strict.Error{Line: 1, Problem: fmt.Sprintf("longer than %d bytes of YAML: write it as JSON",
			MaxFile)}
	}
	defer func() { // the library panics on some malformed files
		if p := recover(); p != nil {
			text, marks, err = nil, nil, &strict.Error{Line: 1,
				Problem: fmt.Sprintf("this is not YAML that can be read (%v)", p)}
		}
	}()
	words := lexer.Tokenize(strings.TrimPrefix(string(file), "\ufeff")) // editors of Windows write this mark
	if err := check(words); err != nil {
		return nil, nil, err
	}
	f, err := parser.Parse(words, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, nil, syntax(err)
	}
	if len(f.Docs) != 1 || f.Docs[0].Body == nil {
		return nil, nil, &strict.Error{Line: 1, Problem: "want one document"}
	}
	var w writer
	if err := w.value(f.Docs[0].Body, 0); err != nil {
		return nil, nil, err
	}
	return w.text, w.marks, nil
}

// syntax converts an error of the parser to one with a line.
func syntax(err error) error {
	out := &strict.Error{Line: 1, Problem: strings.SplitN(err.Error(), "\n", 2)[0], Err: err}
	var se *yaml.SyntaxError
	if errors.As(err, &se) && se.Token != nil && se.Token.Position != nil {
		out.Line, out.Problem = se.Token.Position.Line, se.Message
	}
	return out
}

// fail returns a [*strict.Error] at the line of w, or at line 1 if w is nil or has no position.
func fail(w *token.Token, format string, args ...any) error {
	out := &strict.Error{Line: 1, Problem: fmt.Sprintf(format, args...)}
	if w != nil && w.Position != nil {
		out.Line = w.Position.Line
	}
	return out
}

// writer writes a tree as JSON.
type writer struct {
	text  []byte
	marks []strict.Mark
}

// mark records the source line for the output that comes next. A node without a position has the line of the mark
// before.
func (w *writer) mark(n ast.Node, number bool) {
	line := 1
	if len(w.marks) > 0 {
		line = w.marks[len(w.marks)-1].Line
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	w.marks = append(w.marks, strict.Mark{Offset: len(w.text), Line: line, Number: number})
}

// value appends a node as JSON; nil is null. It returns an error if the node is nested too deep or of a kind that is
// not read. Mappings and lists are appended in their order. Another kind of node is an error of scalar.
func (w *writer) value(n ast.Node, depth int) error {
	if n == nil {
		w.text = append(w.text, "null"...)
		return nil
	}
	if depth > strict.MaxDepth {
		return fail(n.GetToken(), "nested more than %d deep", strict.MaxDepth)
	}
	switch v := n.(type) {
	case *ast.SequenceNode:
		w.mark(n, false)
		return w.list(v.Values, depth)
	case *ast.MappingNode:
		if len(v.Values) == 0 {
			w.mark(n, false)
		}
		return w.mapping(v.Values, depth)
	case *ast.MappingValueNode:
		return w.mapping([]*ast.MappingValueNode{v}, depth)
	}
	return w.scalar(n)
}

// list appends a sequence as a JSON array. It stops at the first error of an element.
func (w *writer) list(values []ast.Node, depth int) error {
	w.text = append(w.text, '[')
	for i, v := range values {
		if i > 0 {
			w.text = append(w.text, ',')
		}
		if err := w.value(v, depth+1); err != nil {
			return err
		}
	}
	w.text = append(w.text, ']')
	return nil
}

// mapping appends a mapping as a JSON object, in the order of the file. A key that is not text is an error. Repeated
// keys stay.
func (w *writer) mapping(values []*ast.MappingValueNode, depth int) error {
	if len(values) > 0 {
		w.mark(values[0].Key, false)
	}
	w.text = append(w.text, '{')
	for i, v := range values {
		if i > 0 {
			w.text = append(w.text, ',')
		}
		w.mark(v.Key, false)
		key, _, err := textOf(v.Key)
		if err != nil {
			return err
		}
		w.text = append(strict.AppendString(w.text, key), ':')
		if err := w.value(v.Value, depth+1); err != nil {
			return err
		}
	}
	w.text = append(w.text, '}')
	return nil
}

// scalar appends a string, number, boolean or null. A number that JSON has no form for becomes a string. An error is
// that of a value which is not a scalar. It records the position of the value.
func (w *writer) scalar(n ast.Node) error {
	switch v := n.(type) {
	case *ast.BoolNode:
		w.mark(n, false)
		w.text = fmt.Append(w.text, v.Value)
		return nil
	case *ast.NullNode:
		w.mark(n, false)
		w.text = append(w.text, "null"...)
		return nil
	}
	text, number, err := textOf(n)
	if err != nil {
		return err
	}
	if number && strict.IsNumber(text) {
		w.mark(n, false)
		w.text = append(w.text, text...)
		return nil
	}
	w.mark(n, number)
	w.text = strict.AppendString(w.text, text)
	return nil
}

// textOf returns the text of a scalar as written, and whether it is a number. A nil node, and one that is not a scalar,
// is an error. A number keeps its spelling. A block of text loses its surrounding white space.
func textOf(n ast.Node) (text string, number bool, err error) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, false, nil
	case *ast.LiteralNode:
		return strings.TrimSpace(v.Value.Value), false, nil
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true, nil
	case *ast.BoolNode, *ast.NullNode:
		return n.GetToken().Value, false, nil
	case nil:
		return "", false, &strict.Error{Line: 1, Problem: "want a name"}
	}
	return "", false, fail(n.GetToken(), "want text or a number: %s is not read", n.Type())
}
