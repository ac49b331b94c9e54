require("fs").mkdirSync("dist",{recursive:true});const is=require("is-number");require("fs").writeFileSync("dist/index.html",String(is(5)))
