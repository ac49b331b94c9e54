module.exports=x=>"shared "+x
