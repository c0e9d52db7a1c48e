package markup

// Elements. Attributes stand among their nodes.

func A(inside ...Node) Node        { return of("a", inside) }
func Article(inside ...Node) Node  { return of("article", inside) }
func B(inside ...Node) Node        { return of("b", inside) }
func Body(inside ...Node) Node     { return of("body", inside) }
func Br(inside ...Node) Node       { return void("br", inside) }
func Button(inside ...Node) Node   { return of("button", inside) }
func Code(inside ...Node) Node     { return of("code", inside) }
func Dd(inside ...Node) Node       { return of("dd", inside) }
func Details(inside ...Node) Node  { return of("details", inside) }
func Div(inside ...Node) Node      { return of("div", inside) }
func Dl(inside ...Node) Node       { return of("dl", inside) }
func Dt(inside ...Node) Node       { return of("dt", inside) }
func Footer(inside ...Node) Node   { return of("footer", inside) }
func Form(inside ...Node) Node     { return of("form", inside) }
func H1(inside ...Node) Node       { return of("h1", inside) }
func H2(inside ...Node) Node       { return of("h2", inside) }
func H3(inside ...Node) Node       { return of("h3", inside) }
func HTML(inside ...Node) Node     { return of("html", inside) }
func Head(inside ...Node) Node     { return of("head", inside) }
func Header(inside ...Node) Node   { return of("header", inside) }
func Input(inside ...Node) Node    { return void("input", inside) }
func Label(inside ...Node) Node    { return of("label", inside) }
func Li(inside ...Node) Node       { return of("li", inside) }
func Link(inside ...Node) Node     { return void("link", inside) }
func Main(inside ...Node) Node     { return of("main", inside) }
func Meta(inside ...Node) Node     { return void("meta", inside) }
func Nav(inside ...Node) Node      { return of("nav", inside) }
func NoScript(inside ...Node) Node { return of("noscript", inside) }
func Option(inside ...Node) Node   { return of("option", inside) }
func P(inside ...Node) Node        { return of("p", inside) }
func Script(inside ...Node) Node   { return of("script", inside) }
func Section(inside ...Node) Node  { return of("section", inside) }
func Select(inside ...Node) Node   { return of("select", inside) }
func Span(inside ...Node) Node     { return of("span", inside) }
func Strong(inside ...Node) Node   { return of("strong", inside) }
func Summary(inside ...Node) Node  { return of("summary", inside) }
func Time(inside ...Node) Node     { return of("time", inside) }
func Title(inside ...Node) Node    { return of("title", inside) }
func Ul(inside ...Node) Node       { return of("ul", inside) }

// Attributes.

func Action(value string) Node   { return attribute{"action", value, false} }
func Charset(value string) Node  { return attribute{"charset", value, false} }
func Class(value string) Node    { return attribute{"class", value, false} }
func Content(value string) Node  { return attribute{"content", value, false} }
func DateTime(value string) Node { return attribute{"datetime", value, false} }
func For(value string) Node      { return attribute{"for", value, false} }
func Href(value string) Node     { return attribute{"href", value, false} }
func ID(value string) Node       { return attribute{"id", value, false} }
func Lang(value string) Node     { return attribute{"lang", value, false} }
func Method(value string) Node   { return attribute{"method", value, false} }
func Name(value string) Node     { return attribute{"name", value, false} }
func Rel(value string) Node      { return attribute{"rel", value, false} }
func Role(value string) Node     { return attribute{"role", value, false} }
func Src(value string) Node      { return attribute{"src", value, false} }
func TabIndex(value string) Node { return attribute{"tabindex", value, false} }
func Type(value string) Node     { return attribute{"type", value, false} }
func Value(value string) Node    { return attribute{"value", value, false} }

// Aria is an attribute that begins with aria-, and Data one that begins with data-.
func Aria(name, value string) Node { return attribute{"aria-" + name, value, false} }
func Data(name, value string) Node { return attribute{"data-" + name, value, false} }

// Attributes without a value.

func Defer() Node { return attribute{"defer", "", true} }
func Open() Node  { return attribute{"open", "", true} }
