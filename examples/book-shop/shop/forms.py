"""The form of an order."""

from django import forms

from shop.models import Order


class OrderForm(forms.ModelForm):
    """How many copies, and where the receipt goes."""

    class Meta:
        model = Order
        fields = ["copies", "email"]
