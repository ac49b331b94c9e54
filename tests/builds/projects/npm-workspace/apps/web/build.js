require("fs").mkdirSync("dist",{recursive:true});const is=require("shared");require("fs").writeFileSync("dist/index.html",String(is(5)))
