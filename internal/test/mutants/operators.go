package mutants

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// An Edit is one mistake that an operator makes in a function. Its zero value changes nothing.
type Edit struct {
	Operator string
	Old, New string // the changed expression or statement and its replacement, each on one line
	at, end  token.Pos
	text     string // replaces the source from at to end
	nth      int    // of the edits of the function with this operator and these texts; the first one is 1
}

// A site is a function of a type-checked package, and the edits that the operators found in it.
type site struct {
	pkg    *types.Package
	info   *types.Info
	text   func(from, to token.Pos) string
	fn     *ast.FuncDecl
	silent map[ast.Node]bool // arguments of calls that only make messages
	edits  []Edit
}

// operators make all edits at a node. Each is named after the mistake.
var operators = []struct {
	name string
	make func(s *site, name string, n ast.Node)
}{
	{"bound", (*site).bounds},
	{"sibling", (*site).siblings},
	{"sibling", (*site).siblingConstants},
	{"early return", (*site).earlyReturns},
	{"swapped arguments", (*site).swaps},
	{"swallowed error", (*site).swallowedErrors},
	{"forgotten cleanup", (*site).cleanups},
	{"stale value", (*site).staleValues},
	{"stale value", (*site).keyParts},
	{"half condition", (*site).halves},
	{"negated condition", (*site).negations},
	{"result", (*site).results},
}

// editsOf returns the edits of all operators in a function, in the order of the source.
func (s *site) editsOf() []Edit {
	ast.Inspect(s.fn.Body, func(n ast.Node) bool {
		if n == nil || s.silent[n] {
			return false
		}
		if call, ok := n.(*ast.CallExpr); ok && s.isMessage(call) {
			for _, a := range call.Args {
				s.silent[a] = true
			}
			return true
		}
		for _, o := range operators {
			o.make(s, o.name, n)
		}
		return true
	})
	seen := map[string]int{}
	for i := range s.edits {
		e := &s.edits[i]
		k := key(e.Operator, e.Old, e.New)
		seen[k]++
		e.nth = seen[k]
	}
	return s.edits
}

// isMessage reports whether a call only makes a text for people, which tests need not compare.
func (s *site) isMessage(call *ast.CallExpr) bool {
	var obj types.Object
	switch fn := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		if fn.Name == "panic" {
			return true
		}
		obj = s.info.Uses[fn]
	case *ast.SelectorExpr:
		obj = s.info.Uses[fn.Sel]
	}
	if obj == nil || obj.Pkg() == nil {
		return false
	}
	path := obj.Pkg().Path()
	return path == "log" || path == "log/slog" || path == "errors" && obj.Name() == "New" ||
		path == "fmt" && obj.Name() == "Errorf" || obj.Pkg() == s.pkg && isPrintf(obj.Type())
}

// isPrintf reports whether the last two parameters of a function are a format and its arguments.
func isPrintf(t types.Type) bool {
	sig, ok := t.(*types.Signature)
	return ok && sig.Variadic() && sig.Params().Len() >= 2 && sig.Params().At(sig.Params().Len()-2).Name() == "format"
}

// of returns the source of a node.
func (s *site) of(n ast.Node) string { return s.text(n.Pos(), n.End()) }

// line joins the lines of a text.
func line(text string) string { return strings.Join(strings.Fields(text), " ") }

// replace adds an edit that replaces a whole node.
func (s *site) replace(name string, n ast.Node, text string) {
	s.edits = append(s.edits, Edit{Operator: name, Old: line(s.of(n)), New: line(text), at: n.Pos(), end: n.End(),
		text: text})
}

func (s *site) typeOf(e ast.Expr) types.Type {
	if t := s.info.TypeOf(e); t != nil && t != types.Typ[types.Invalid] {
		return t
	}
	return nil
}

// isInteger reports whether the expression's underlying type is an integer. It returns false if the type is unknown.
func (s *site) isInteger(e ast.Expr) bool {
	t := s.typeOf(e)
	if t == nil {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}

// bounded has the operators of comparison and those whose bound is one off.
var bounded = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
}

// bounds changes by one the bound of a comparison, or a literal that is compared or slices.
func (s *site) bounds(name string, n ast.Node) {
	var literals []ast.Expr
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if other, ok := bounded[n.Op]; ok && s.isInteger(n.X) && s.isInteger(n.Y) {
			s.replace(name, n, s.of(n.X)+" "+other.String()+" "+s.of(n.Y))
		}
		if n.Op == token.EQL || n.Op == token.NEQ {
			literals = []ast.Expr{n.X, n.Y}
		}
	case *ast.SliceExpr:
		literals = []ast.Expr{n.Low, n.High}
	case *ast.IndexExpr:
		literals = []ast.Expr{n.Index}
	}
	for _, e := range literals {
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.INT {
			continue
		}
		v, err := strconv.ParseInt(lit.Value, 0, 64)
		if err != nil {
			continue
		}
		for _, w := range []int64{v - 1, v + 1} {
			if w >= 0 {
				s.within(name, n, lit, strconv.FormatInt(w, 10))
			}
		}
	}
}

// within adds an edit of a part of a node, and shows the whole node.
func (s *site) within(name string, whole, part ast.Node, text string) {
	before, after := s.text(whole.Pos(), part.Pos()), s.text(part.End(), whole.End())
	s.edits = append(s.edits, Edit{Operator: name, Old: line(s.of(whole)), New: line(before + text + after),
		at: part.Pos(), end: part.End(), text: text})
}

// halves removes one side of a condition or of a mask.
func (s *site) halves(name string, n ast.Node) {
	b, ok := n.(*ast.BinaryExpr)
	if !ok || !slices.Contains([]token.Token{token.LAND, token.LOR, token.AND, token.OR}, b.Op) ||
		s.info.Types[b].Value != nil {
		return
	}
	s.replace(name, n, s.of(b.X))
	s.replace(name, n, s.of(b.Y))
}

// negations inverts the condition of a branch.
func (s *site) negations(name string, n ast.Node) {
	if i, ok := n.(*ast.IfStmt); ok {
		s.replace(name, i.Cond, "!("+s.of(i.Cond)+")")
	}
}

// results replaces a returned boolean by its opposite.
func (s *site) results(name string, n ast.Node) {
	ret, ok := n.(*ast.ReturnStmt)
	if !ok {
		return
	}
	for _, r := range ret.Results {
		id, ok := r.(*ast.Ident)
		if ok && (id.Name == "true" || id.Name == "false") && s.info.Uses[id] == types.Universe.Lookup(id.Name) {
			s.within(name, n, id, strconv.FormatBool(id.Name == "false"))
		}
	}
}

// earlyReturns empties the body of a branch that ends with return, continue or break.
func (s *site) earlyReturns(name string, n ast.Node) {
	i, ok := n.(*ast.IfStmt)
	if !ok || i.Else != nil || len(i.Body.List) == 0 {
		return
	}
	switch i.Body.List[len(i.Body.List)-1].(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
		if s.comparesError(i.Cond) {
			name = "swallowed error"
		}
		s.within(name, i, i.Body, "{}")
	}
}

var errorType = types.Universe.Lookup("error").Type()

// comparesError reports whether a condition is that an error is not nil.
func (s *site) comparesError(cond ast.Expr) bool {
	b, ok := cond.(*ast.BinaryExpr)
	if !ok || b.Op != token.NEQ {
		return false
	}
	t := s.typeOf(b.X)
	return t != nil && types.Identical(t, errorType)
}

// swallowedErrors returns no error in place of one.
func (s *site) swallowedErrors(name string, n ast.Node) {
	ret, ok := n.(*ast.ReturnStmt)
	if !ok {
		return
	}
	for _, r := range ret.Results {
		if t := s.typeOf(r); t != nil && types.Implements(t, errorType.Underlying().(*types.Interface)) {
			s.within(name, n, r, "nil")
		}
	}
}

// commutative are functions whose result does not depend on the order of their arguments.
var commutative = []string{"min", "max", "Equal", "EqualFold", "Join", "Identical", "SameFile", "ConstantTimeCompare"}

// swaps swaps two arguments of one type.
func (s *site) swaps(name string, n ast.Node) {
	call, ok := n.(*ast.CallExpr)
	if !ok || call.Ellipsis.IsValid() || slices.Contains(commutative, calledName(call)) {
		return
	}
	for i, a := range call.Args {
		for _, b := range call.Args[i+1:] {
			t, u := s.typeOf(a), s.typeOf(b)
			if t == nil || u == nil || !types.Identical(t, u) || s.of(a) == s.of(b) {
				continue
			}
			text := s.of(b) + s.text(a.End(), b.Pos()) + s.of(a)
			before, after := s.text(call.Pos(), a.Pos()), s.text(b.End(), call.End())
			s.edits = append(s.edits, Edit{Operator: name, Old: line(s.of(call)), New: line(before + text + after), at: a.Pos(),
				end: b.End(), text: text})
		}
	}
}

// calledName returns the last part of the name of a called function, or "" if it has no name.
func calledName(call *ast.CallExpr) string {
	switch fn := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return fn.Name
	case *ast.SelectorExpr:
		return fn.Sel.Name
	}
	return ""
}
