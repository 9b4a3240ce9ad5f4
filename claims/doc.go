// Package claims holds claim attributes and the conditional expressions of
// callback entries. It decodes, parses, prints and evaluates them.
//
// An [Attribute] is one named list of values: a claim of a token, or the body
// of a resource-attribute entry (MS-DTYP 2.4.10.1). A [Set] is an immutable
// list of them, looked up by name. An [Expr] is a compiled condition (MS-DTYP
// 2.4.4.17): [Decode] and [Expr.Encode] are its byte form, [ParseExpr] and
// [Expr.Format] its text. [Expr.Eval] returns True, False or Unknown. An allow
// entry needs True, and a deny entry applies unless the result is False.
//
//	e, _, err := claims.ParseExpr(`(@User.Level >= 3)`, claims.ParseOptions{})
//	if err != nil {
//		return err
//	}
//	switch e.Eval(env) { … }
//
// The caller's [Env] decides membership and supplies the attributes. It knows
// whether the entry allows or denies, and which pass of the access check is
// running.
//
// # Strings
//
// Windows strings are sequences of UTF-16 units, lone surrogates included.
// Strings of this package are UTF-8. A lone surrogate is stored as its three
// generalised UTF-8 bytes, so every decoded string encodes to the same units.
//
// # Guards
//
// Sets and expressions are immutable and may be used from any goroutine. An
// Attribute is plain data. Code that shares one must not write to its slices.
// Evaluation allocates nothing and takes no lock. The size of the expression
// and its attributes limits the number of its steps.
package claims
