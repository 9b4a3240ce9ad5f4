package expect

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// MaxFile is the largest file, in bytes.
const MaxFile = 4 << 20

// maxDepth is how deep lists and maps may nest.
const maxDepth = 32

// Error says what is wrong with a file, and where.
type Error struct {
	Line    int // from 1; 0 if the file as a whole is meant
	Problem string
}

// Error prints the line and the problem.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Problem
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
}

func fail(n ast.Node, format string, args ...any) error {
	return &Error{lineOf(n), fmt.Sprintf(format, args...)}
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// document is the one value of a YAML file.
func document(text []byte) (n ast.Node, err error) {
	if len(text) > MaxFile {
		return nil, &Error{0, fmt.Sprintf("longer than %d bytes", MaxFile)}
	}
	defer func() { // a parser of others must not end the program
		if p := recover(); p != nil {
			n, err = nil, &Error{0, fmt.Sprintf("the YAML cannot be read: %v", p)}
		}
	}()
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		line := 0
		var se *yaml.SyntaxError
		if errors.As(err, &se) && se.Token != nil && se.Token.Position != nil {
			return nil, &Error{se.Token.Position.Line, se.Message}
		}
		return nil, &Error{line, strings.SplitN(err.Error(), "\n", 2)[0]}
	}
	if len(f.Docs) != 1 || f.Docs[0].Body == nil {
		return nil, &Error{0, "want one document with descriptors, principals and expect"}
	}
	return f.Docs[0].Body, nil
}

// pair is an entry of a map.
type pair struct {
	key   string
	node  ast.Node // of the key, for its line
	value ast.Node
}

// pairs are the entries of a map in their order. A key given twice is an error,
// and so is one that is not among allowed, if there are any.
func pairs(n ast.Node, allowed ...string) ([]pair, error) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		return nil, fail(n, "want a map of %s", choices(allowed))
	}
	seen := map[string]bool{}
	var out []pair
	for _, v := range values {
		key, err := scalar(v.Key)
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, fail(v.Key, "%q is given twice", key)
		}
		seen[key] = true
		if len(allowed) > 0 && !contains(allowed, key) {
			return nil, fail(v.Key, "unknown field %q, want one of %s", key, choices(allowed))
		}
		out = append(out, pair{key, v.Key, v.Value})
	}
	return out, nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func choices(list []string) string {
	if len(list) == 0 {
		return "names"
	}
	return strings.Join(list, ", ")
}

// items are the values of a list; anything else is a list of one.
func items(n ast.Node) []ast.Node {
	if s, ok := n.(*ast.SequenceNode); ok {
		return s.Values
	}
	return []ast.Node{n}
}

// scalar is the text of a value, as it is written.
func scalar(n ast.Node) (string, error) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, nil
	case *ast.LiteralNode:
		return strings.TrimSpace(v.Value.Value), nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return n.GetToken().Value, nil
	case nil:
		return "", &Error{0, "want a value"}
	}
	return "", fail(n, "want text, anchors, aliases and tags are not read")
}

// texts are the texts of a list, or of one value.
func texts(n ast.Node) (out []string, err error) {
	for _, v := range items(n) {
		s, err := scalar(v)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// appendJSON writes a value as JSON, for the reader of token files.
func appendJSON(dst []byte, n ast.Node, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fail(n, "nested deeper than %d", maxDepth)
	}
	switch v := n.(type) {
	case *ast.SequenceNode:
		dst = append(dst, '[')
		for i, x := range v.Values {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendJSON(dst, x, depth+1); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case *ast.MappingNode, *ast.MappingValueNode:
		ps, err := pairs(n)
		if err != nil {
			return nil, err
		}
		dst = append(dst, '{')
		for i, p := range ps {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(quote(dst, p.key), ':')
			if dst, err = appendJSON(dst, p.value, depth+1); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	case *ast.IntegerNode:
		return fmt.Append(dst, v.Value), nil
	case *ast.BoolNode:
		return fmt.Append(dst, v.Value), nil
	}
	s, err := scalar(n)
	if err != nil {
		return nil, err
	}
	return quote(dst, s), nil
}

func quote(dst []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // a string always has a JSON form
		return append(dst, `""`...)
	}
	return append(dst, b...)
}
